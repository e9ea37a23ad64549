"""Indexes that turn out otherwise each time are built three times, and reports say how far their means are apart."""

import numpy as np
import pytest

from embquant import evaluate
from embquant.indexes import INDEXES
from embquant.indexes.hnsw import Hnsw
from embquant.study.builds import BUILDS, first_build, further_builds
from embquant.study.study import Study

STUDY = {
    "study": "builds",
    "datasets": {"python-stdlib": {"source": "python-stdlib"}},
    "models": {"minilm": {"name": "sentence-transformers/all-MiniLM-L6-v2"}},
    "codecs": {"float32": {"family": "float32"}},
    "methods": {
        "float32": {"codec": "float32", "index": "flat"},
        "shuffled": {"codec": "float32", "index": "shuffled", "search": {"expansion_search": [1, 64]}},
    },
}


class Shuffled(Hnsw):
    """A graph whose documents come in another order each time, so that a narrow search finds others."""

    varies = True
    built = 0

    @classmethod
    def build(cls, codec, codes, path, parameters):
        Shuffled.built += 1
        super().build(codec, codes, path, parameters.model_copy(update={"connectivity": 1 + Shuffled.built}))


@pytest.fixture(autouse=True)
def shuffled():
    INDEXES.register("shuffled/float32", Shuffled)
    Shuffled.built = 0
    yield
    del INDEXES._loaded["shuffled/float32"]


def test_further_builds_have_names_that_no_configuration_can_give():
    assert further_builds("shuffled") == ["shuffled_build2", "shuffled_build3"]
    assert [first_build(name) for name in ("shuffled", "shuffled_build2", "my-build2")] == [
        "shuffled",
        "shuffled",
        "my-build2",
    ]


def test_each_build_is_an_index_that_all_methods_of_a_sweep_share():
    study = Study.read(STUDY)
    assert list(study.repeated) == [
        f"shuffled-expansion-search-{breadth}_build{number}" for breadth in (1, 64) for number in (2, 3)
    ]
    assert set(study.indexes) == {"shuffled", "shuffled_build2", "shuffled_build3"}
    assert study.methods.keys() & study.repeated.keys() == set()


def test_the_spread_is_that_of_three_builds():
    rng = np.random.default_rng(0)
    corpus, queries = (rng.standard_normal((count, 16), np.float32) for count in (2000, 20))
    methods = {"shuffled": {"codec": "float32", "index": "shuffled", "search": {"expansion_search": 1}}}
    table = evaluate(corpus, queries, methods, top_k=[10], metrics=["overlap@10"]).set_index("method")
    row = table.loc["shuffled"]
    assert Shuffled.built == row["builds"] == BUILDS
    assert row["overlap@10_builds_least"] <= row["overlap@10"] <= row["overlap@10_builds_greatest"]
    assert row["overlap@10_builds_least"] < row["overlap@10_builds_greatest"]
    assert table.loc["float32", "builds"] == 1
    assert np.isnan(table.loc["float32", "overlap@10_builds_least"])


def test_nothing_is_said_of_builds_where_none_vary():
    vectors = np.random.default_rng(0).standard_normal((50, 8), np.float32)
    assert "builds" not in evaluate(vectors, vectors[:5], {}, metrics=["overlap@10"])
