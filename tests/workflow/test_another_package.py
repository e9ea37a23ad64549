"""Somebody else's package adds one kind of each sort, and a study runs with them all."""

import json

import pytest

from support.another_package import Words, install
from support.small_study import DOCUMENTS, report

pytestmark = pytest.mark.workflow


def test_a_study_of_another_package_s_kinds(fresh):
    documents = [f"item{row} {text}" for row, text in enumerate(DOCUMENTS)]
    install(fresh.folder / "src")  # which the checkout imports from
    fresh.configure(
        datasets={"facts": {"source": "inline", "documents": documents}},
        models={"minilm": {"max_length": 64, "backend": "words"}},
        parts=1,
        codecs={"float32": {"family": "float32"}, "cents": {"family": "cents", "transform": "mirror"}},
        methods={
            "float32": {"codec": "float32", "index": "flat"},
            "cents": {"codec": "cents", "index": "flat"},
            "cents-even": {"codec": "cents", "index": "even"},
        },
        top_k=[3],
        rescore={"stores": ["cents"], "multipliers": [2]},
        metrics=["Hit@3", "overlap@3"],
    )
    status, output = fresh.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    retrieval = report(fresh, "retrieval").set_index(["method", "rescore_store"])
    assert retrieval.loc[("float32", "none"), "Hit@3"] == 1
    assert retrieval.loc[("cents", "none"), "overlap@3"] > 0.9
    assert 0.4 < retrieval.loc[("cents-even", "cents"), "Hit@3"] < 0.6  # half of the documents are never found
    assert report(fresh, "memory").set_index("method").loc["cents", "bytes_per_vector"].iloc[0] == 384
    assert list(report(fresh, "counts")["settings"]) == [1, 2, 2]
    model = json.loads((fresh.folder / "results" / "models" / "minilm" / "model.json").read_text())
    assert (model["backend"], model["dim"]) == (Words.__name__.lower(), 384)
    assert set(report(fresh, "losses")["metric"]) == {"Hit@3"}
