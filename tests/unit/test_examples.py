"""The queries that tell what a setting finds in place of float32: which are shown, and in which words."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from embquant.files.atomic import read_json
from embquant.files.parquet import write_parquet
from embquant.report.numbers.explained import EXAMPLES
from embquant.report.numbers.measurements import Measurements
from embquant.report.numbers.recommendation import CHOICE
from embquant.report.show.examples import examples_of, examples_text
from embquant.study.study import Study
from support.made_up_study import MadeUpRun, write_study

KEYS = {"model": "m", "method": "int8", "rescore_store": "none", "rescore_multiplier": 1}
SETTING = pd.Series({**KEYS, "measure": "retention_nDCG@10"})


def example(query_id="q1", dataset="facts", metric="nDCG@10", before=1.0, after=0.5, kind="loses most"):
    """Return the first two ranks of a query: float32 finds d1 and d2, the setting d2 and d1, and d1 counts."""
    told = {**KEYS, "dataset": dataset, "metric": metric, "example": kind, "among": 20, "query_id": query_id}
    told |= {"query": f"what is {query_id}", "baseline_value": before, "value": after}
    ranks = [
        {"rank": 1, "baseline_document": "yes", "baseline_gain": 1.0, "document": "no", "gain": 0.0},
        {"rank": 2, "baseline_document": "no", "baseline_gain": 0.0, "document": "yes", "gain": 1.0},
    ]
    return [told | rank for rank in ranks]


def told(*examples, setting=SETTING):
    return examples_of(pd.DataFrame([row for rows in examples for row in rows]), setting)


def heading(*examples, setting=SETTING):
    return examples_text(told(*examples, setting=setting), "int8", "float32").splitlines()[0]


def test_the_heading_says_how_many_queries_of_which_dataset_there_are():
    assert heading(example()) == "what int8 finds instead of float32, for one query of facts; ✓: relevant"
    assert "for two queries of facts;" in heading(example(), example("q2", kind="middle of all"))
    others = [example("q2", kind="middle of those that lose"), example("q3", kind="middle of all")]
    assert "for three queries of facts;" in heading(example(), *others)


def test_documents_that_nobody_has_judged_are_not_called_relevant():
    agreement = SETTING.replace("retention_nDCG@10", "overlap@10")
    words = heading(example(metric="overlap@10"), setting=agreement)
    assert words.endswith("for one query of facts; ✓: among the first of float32")


def test_queries_are_those_of_the_first_dataset_that_has_the_measure_of_the_verdict():
    """A dataset without judgements, which a verdict on those with some leaves out, may come first."""
    examples = [example(dataset="bare", metric="overlap@10"), example(dataset="tales"), example(dataset="facts")]
    assert [one.dataset for one in told(*examples)] == ["tales"]


def test_a_dataset_on_which_float32_is_at_chance_has_no_example(tmp_path):
    """Two datasets; that of the first is at chance, so that the verdict is on the other alone."""
    folder = write_study(tmp_path, datasets=("facts", "tales"), methods=["float32", "int8"], multipliers=(4,))
    config = read_json(folder / "provenance.json")["config"]
    runs = [folder / "runs" / dataset / "minilm" / name for dataset in ("facts", "tales") for name in config["methods"]]
    for run in runs[:2]:
        MadeUpRun(run.name, config, np.full(60, 0.5), True, np.random.default_rng(0)).write(run, 0.5)
    losses = [folder / "runs" / dataset / "minilm" for dataset in ("facts", "tales")]
    measured = Measurements(runs, [], losses, Study.read(config), "results")
    chosen = {**measured.recommendations[0].best[CHOICE], "model": "minilm", "top_k": 10}
    for folder, dataset in zip(losses, ("facts", "tales"), strict=True):
        rows = [{**row, **chosen} for row in example(dataset=dataset)]
        write_parquet(folder / "examples.parquet", EXAMPLES, [pa.Table.from_pylist(rows, EXAMPLES)])
    assert set(measured.examples["dataset"]) == {"tales"}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (1.0, 0.5, "1 → 0.5"),
        (0.61315, 0.43068, "0.613 → 0.431"),
        (0.5, 0.5, "stays at 0.5"),
        (0.82341, 0.82306, "0.82341 → 0.82306"),
    ],
)
def test_a_small_loss_is_not_said_to_be_none(before, after, words):
    (one,) = told(example(before=before, after=after))
    assert one.words == f"the one that loses most of 20 queries; nDCG@10 {words}"
    assert [[(found.document, found.counts) for found in side] for side in (one.baseline, one.setting)] == [
        [("yes", True), ("no", False)],
        [("no", False), ("yes", True)],
    ]
