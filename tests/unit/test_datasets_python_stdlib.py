import ast
import sys

import pytest

from embquant.datasets.python_stdlib import open_python_stdlib, standard_functions, summary
from embquant.errors import InputError
from support.dataset_files import column, prepare, rows

MODULE = '''
class Reader:
    """Not a function."""

    def read(self, size):
        """Read a number of bytes. And more.

        Details.
        """
        data = self.take(size)
        return data

    def short(self):
        """A docstring of enough words."""
        return 1


def outer(x):
    def inner(y):
        """Add the outer number to it."""
        z = x + y
        return z

    return inner
'''


@pytest.fixture
def library(tmp_path):
    for name, text in {
        "b/__init__.py": MODULE,
        "a.py": "def copy(x):\n    'Copies one thing to another.'\n    y = x\n    return y\n",
        "c.py": "def copy(x):\n    'Make a copy of something.'\n    y = x\n    return y\n",
        "test/x.py": MODULE,
        "site-packages/x.py": MODULE,
        "broken.py": "def f(:\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_functions_of_a_library(library):
    functions = {function.name: function for function in standard_functions(library)}
    assert list(functions) == ["a.copy", "b.Reader.read", "b.outer", "b.outer.inner", "c.copy"]
    assert functions["b.Reader.read"].code == "def read(self, size):\n    data = self.take(size)\n    return data"
    assert functions["b.Reader.read"].summary == "Read a number of bytes."
    assert '"""' not in functions["b.outer"].code


def test_copies_are_one_document_with_both_queries(library):
    collection = open_python_stdlib(library)
    (documents,), (queries,), (qrels,) = (
        table.batches for table in (collection.corpus, collection.queries, collection.qrels)
    )
    assert documents["id"].to_pylist() == ["a.copy", "b.Reader.read", "b.outer", "b.outer.inner"]
    texts = dict(zip(queries["id"].to_pylist(), queries["text"].to_pylist(), strict=True))
    judged = [
        (texts[query], doc)
        for query, doc in zip(qrels["query_id"].to_pylist(), qrels["doc_id"].to_pylist(), strict=True)
    ]
    assert judged == [
        ("Copies one thing to another.", "a.copy"),
        ("Read a number of bytes.", "b.Reader.read"),
        ("Add the outer number to it.", "b.outer.inner"),
        ("Make a copy of something.", "a.copy"),
    ]


def test_redefined_names_get_a_number(tmp_path):
    (tmp_path / "m.py").write_text("".join(f"def f(x):\n    y = x + {number}\n    return y\n" for number in range(3)))
    assert open_python_stdlib(tmp_path).corpus.batches[0]["id"].to_pylist() == ["m.f", "m.f#2", "m.f#3"]


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Return x. Then y.", "Return x."),
        ("\n    Return x,\n    if e.g.y is there\n\n    More.", "Return x, if e.g.y is there"),
        ("No full stop", "No full stop"),
        ("", ""),
    ],
)
def test_summary(docstring, expected):
    assert summary(docstring) == expected


def test_a_python_without_sources(tmp_path):
    with pytest.raises(InputError, match="no Python sources"):
        open_python_stdlib(tmp_path)


def test_the_running_library(tmp_path):
    before = set(sys.modules)
    described = prepare(tmp_path / "out", {"source": "python-stdlib"})
    assert not {"antigravity", "turtle", "this"} & (set(sys.modules) - before)  # read, not imported
    assert 7000 < described["counts"]["documents"] < 14_000
    assert 2500 < described["counts"]["queries"] < 6000
    assert described["duplicate_text_share"] == 0
    documents = {row["id"]: row["text"] for row in rows(tmp_path / "out", "corpus")}
    function = ast.parse(documents["json.dumps"]).body[0]
    assert (function.name, ast.get_docstring(function)) == ("dumps", None)
    texts = dict(
        zip(column(tmp_path / "out", "queries", "id"), column(tmp_path / "out", "queries", "text"), strict=True)
    )
    relevant = [texts[row["query_id"]] for row in rows(tmp_path / "out", "qrels") if row["doc_id"] == "json.dumps"]
    assert relevant == ["Serialize ``obj`` to a JSON formatted ``str``."]
