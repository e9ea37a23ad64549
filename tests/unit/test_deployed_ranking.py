"""The printed code returns what was measured, in its order, for every method of config/all-methods.yaml."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from embquant.arrays import DATASET, MODEL, StudyOfArrays
from embquant.measure.quality import Sweep
from embquant.report.deployment import deployment_code
from embquant.retrieve.candidates import Candidates
from embquant.retrieve.rescoring import Store
from embquant.study.study import Study
from support.codec_cases import unit_vectors

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "all-methods.yaml").read_text())
SMALL = {"parts": 1, "top_k": [10], "rescore": {"stores": ["int8"], "multipliers": [4]}, "growth": {"halvings": 0}}
STUDY = Study.read({**CONFIG, **SMALL})
ENGINES = {"float32": ["blas alone, faiss in batch", "faiss"]}
COPIES = 120


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Build all codecs, stores and indexes of random vectors, some of which are there twice, and search all methods."""
    corpus, queries = unit_vectors(420, dim=384), unit_vectors(20, dim=384, seed=1)
    corpus[-COPIES:] = corpus[:COPIES]
    corpus[:40:2] += 2 * queries  # near a query, so that copies are among its best
    corpus[-COPIES : -COPIES + 40] = corpus[:40]
    corpus /= np.linalg.norm(corpus, axis=1, keepdims=True)
    run = StudyOfArrays(STUDY, tmp_path_factory.mktemp("deployed"), 2)
    run.write_inputs(corpus.astype(np.float32), queries, {})
    run.build_and_search()
    return run, queries


@pytest.mark.parametrize("method", STUDY.methods)
def test_the_printed_code_ranks_as_was_measured(run, method):
    run, queries = run
    stores = {"int8": Store.open(run.path(STUDY.store_manifest("int8")))}
    sweep = Sweep(Candidates(run.path(STUDY.layout.candidates(method))), queries, stores)
    for setting, best in sweep.rankings(STUDY.methods[method].settings):
        row = {"method": method, "rescore_store": setting.store, "rescore_multiplier": setting.multiplier}
        for engine in ENGINES.get(method, ["any"]):
            timed = pd.Series({**row, "top_k": setting.top_k, "threads": 2.0, "engine": engine}, dtype=object)
            found = {"queries": queries}
            exec(deployment_code(timed, STUDY, str(run.path(f"results/{DATASET}/{MODEL}"))), found)
            np.testing.assert_array_equal(found["rows"], best.rows, err_msg=f"{setting} {engine}")
            alone = [found["retriever"].search(query, setting.top_k, setting.multiplier)[1] for query in queries]
            np.testing.assert_array_equal(alone, best.rows, err_msg=f"{setting} {engine}, one query at a time")
