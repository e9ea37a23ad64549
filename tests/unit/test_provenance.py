"""What a stage's digest is made of."""

import ast

import pytest

from embquant.files import provenance


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules, one with a template beside it, which a third imports."""
    (tmp_path / "page").mkdir()
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "page" / "__init__.py").write_text("")
    (tmp_path / "page" / "page.html").write_text("<p>")
    (tmp_path / "report.py").write_text("from embquant.page import render")
    (tmp_path / "other.py").write_text("")
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    return tmp_path


def digest(module):
    for read in (provenance._read, provenance._beside, provenance._content):
        read.cache_clear()  # a process reads each file once
    return provenance.source_digest.__wrapped__(module)


def test_a_template_beside_a_package_is_part_of_what_uses_it(package):
    before = digest("embquant.report"), digest("embquant.other")
    (package / "page" / "page.html").write_text("<div>")
    assert digest("embquant.report") != before[0]
    assert digest("embquant.other") == before[1]


def test_byte_code_is_not(package):
    before = digest("embquant.report")
    (package / "page" / "old.pyc").write_text("")
    assert digest("embquant.report") == before


def test_a_module_of_another_package_counts_and_so_does_what_it_imports_from_this_one(package, tmp_path, monkeypatch):
    theirs = tmp_path / "site" / "somebodys_codec.py"
    theirs.parent.mkdir()
    theirs.write_text("from embquant.other import x")
    monkeypatch.syspath_prepend(theirs.parent)
    before = digest("somebodys_codec")
    (package / "other.py").write_text("x = 1")
    imported = digest("somebodys_codec")
    theirs.write_text("from embquant.other import x, y")
    assert len({before, imported, digest("somebodys_codec")}) == 3


@pytest.mark.parametrize(("condition", "counts"), [("TYPE_CHECKING", False), ("True", True)])
def test_what_type_checkers_alone_import_does_not_count(package, condition, counts):
    (package / "typed.py").write_text(f"if {condition}:\n    import embquant.other\n")
    before = digest("embquant.typed")
    (package / "other.py").write_text("x = 1")
    assert (digest("embquant.typed") != before) == counts


def test_no_import_of_this_library_is_missed_though_few_modules_are_parsed_whole():
    sources = [path.read_bytes() for path in provenance.PACKAGE.rglob("*.py")]
    heads = [provenance._statements(source) for source in sources]
    wholes = [ast.parse(source) for source in sources]
    assert [set(provenance._imported(head)) for head in heads] == [set(provenance._imported(whole)) for whole in wholes]
    assert sum(len(head.body) < len(whole.body) for head, whole in zip(heads, wholes, strict=True)) > len(sources) / 2


@pytest.mark.parametrize(
    "source",
    [
        "def late():\n    from embquant.other import x\n",
        "def late(): import os, embquant.other\n",
        "x = 1\n@property\ndef late(): pass\nimport embquant.other\n",
        'TEMPLATE = """\ndef early(): pass\n"""\nimport embquant.other\n\ndef late(): pass\n',
        'import embquant.other\nTEMPLATE = """\ndef early(): pass\n"""\n',
    ],
)
def test_imports_count_wherever_they_stand(package, source):
    (package / "late.py").write_text(source)
    before = digest("embquant.late")
    (package / "other.py").write_text("x = 1")
    assert digest("embquant.late") != before
