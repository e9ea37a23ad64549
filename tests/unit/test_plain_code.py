"""The printed Python that does without this library: the same rows in the same order, in a process that lacks it."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from embquant.arrays import DATASET, MODEL, StudyOfArrays
from embquant.indexes.hnsw import HnswSearch
from embquant.measure.quality import Sweep
from embquant.measure.speed import open_plain
from embquant.retrieve.candidates import Candidates
from embquant.retrieve.plain import EXPANSION, plain_code
from embquant.retrieve.rescoring import Store
from embquant.study import NO_STORE
from embquant.study.study import Study
from support.codec_cases import unit_vectors

COPIES = 120
MANY = 40
"""Copies near some queries, more than a search for ten finds at first; better ones lie among them."""
PLAIN = {
    "float32": {"codec": "float32", "index": "flat"},
    "float16": {"codec": "float16", "index": "flat"},
    "binary": {"codec": "binary", "index": "flat"},
    "binary-mean": {"codec": "binary-mean", "index": "flat"},
    "int8": {"codec": "int8", "index": "flat"},
    "int8-hnsw": {"codec": "int8", "index": "hnsw", "search": {"expansion_search": 90}},
    "int8-hnsw-sparse": {
        "codec": "int8",
        "index": "hnsw",
        "build": {"connectivity": 2, "expansion_add": 1},
        "search": {"expansion_search": 1},
    },
}
"""The sparse graph finds fewer documents than are asked for."""
OTHERS = {
    "int8-codes": {"codec": "int8", "index": "flat", "scoring": "symmetric"},
    "binary-float-query": {"codec": "binary", "index": "flat", "scoring": "asymmetric"},
    "rotated": {"codec": "rotated", "index": "flat"},
    "int4": {"codec": "int4", "index": "flat"},
}
STUDY = Study.read(
    {
        "study": "plain",
        "datasets": {DATASET: {"source": "files"}},
        "models": {MODEL: {"name": "made-up"}},
        "parts": 1,
        "codecs": {
            **{family: {"family": family} for family in ("float32", "float16", "binary", "int8", "int4")},
            "binary-mean": {"family": "binary", "threshold": "mean"},
            "rotated": {"family": "binary", "transform": "rotation"},
        },
        "methods": PLAIN | OTHERS,
        "top_k": [10],
        "rescore": {"stores": ["binary", "int8", "float32"], "multipliers": [4]},
        "growth": {"halvings": 0},
    }
)
ALONE = """
import sys
from pathlib import Path
sys.modules["embquant"] = None  # any import of it fails
import numpy as np
queries = np.load("queries.npy")
for path in sorted(Path("codes").iterdir()):
    names = {}
    exec(path.read_text(), names)
    np.save(f"{path.stem}.npy", np.concatenate([names["search"](query[None]) for query in queries]))
    np.save(f"{path.stem}-batch.npy", names["search"](queries))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Build and search all methods; some documents are there twice or 40 times, and near to queries.

    Of some there is another that differs by the last bit of a coordinate, which sums in float32 can't tell.
    """
    corpus, queries = unit_vectors(850, dim=96), unit_vectors(20, dim=96, seed=1)
    corpus[:40:2] += 2 * queries
    corpus[420 - COPIES : 420] = corpus[:COPIES]
    corpus[420:820] = np.repeat(corpus[420:430] + 3 * queries[:10], MANY, axis=0)
    corpus[820:] += 9 * np.repeat(queries[:10], 3, axis=0)
    corpus[420:] = np.random.default_rng(2).permutation(corpus[420:])
    corpus = (corpus / np.linalg.norm(corpus, axis=1, keepdims=True)).astype(np.float32)
    corpus[41:61] = corpus[:40:2]
    nudged = np.concatenate([np.arange(41, 61), np.arange(421, 850, 2)])
    corpus[nudged, nudged % 96] = np.nextafter(corpus[nudged, nudged % 96], np.float32(1))
    run = StudyOfArrays(STUDY, tmp_path_factory.mktemp("plain"), 2)
    run.write_inputs(corpus, queries, {})
    run.build_and_search()
    return run, queries


def files(run, method, store):
    manifest = None if store == NO_STORE else run.path(STUDY.store_manifest(store))
    return run.path(STUDY.layout.method(method)), manifest


def test_it_finds_the_rows_that_were_measured(run, tmp_path):
    run, queries = run
    np.save(tmp_path / "queries.npy", queries)
    (tmp_path / "codes").mkdir()
    stores = {name: Store.open(run.path(STUDY.store_manifest(name))) for name in STUDY.rescore_stores}
    wanted = {}
    for method in PLAIN:
        sweep = Sweep(Candidates(run.path(STUDY.layout.candidates(method))), queries, stores)
        for setting, best in sweep.rankings(STUDY.methods[method].settings):
            name = f"{method}-{setting.store}-{setting.multiplier}"
            code = plain_code(*files(run, method, setting.store), setting.top_k, setting.multiplier, 2)
            (tmp_path / "codes" / f"{name}.py").write_text(code, encoding="utf-8")
            wanted[name] = best.rows
    subprocess.run([sys.executable, "-I", "-c", ALONE], cwd=tmp_path, check=True)
    assert len(wanted) == sum(len(STUDY.methods[method].settings) for method in PLAIN)
    sparse = Candidates(run.path(STUDY.layout.candidates("int8-hnsw-sparse")))
    assert [bool((sparse.read(sparse.group(depth))[0] < 0).any()) for depth in (10, 40)] == [True, True]
    for name, rows in wanted.items():
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), rows, err_msg=name)
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}-batch.npy"), rows, err_msg=f"{name}, all at once")


def test_a_graph_is_searched_as_widely_by_default():
    assert HnswSearch().expansion_search == EXPANSION


@pytest.mark.parametrize("method", OTHERS)
def test_what_needs_this_library_has_none(run, method):
    assert plain_code(*files(run[0], method, NO_STORE), 10, 1, 2) is None


def test_a_store_that_needs_this_library_has_none(run):
    run, _ = run
    assert plain_code(run.path(STUDY.layout.method("binary")), run.path(STUDY.store_manifest("int4")), 10, 4, 2) is None


def test_a_provider_s_codes_have_none(run, tmp_path):
    run, _ = run
    folder = shutil.copytree(run.path(f"results/{DATASET}/{MODEL}"), tmp_path / "copy")
    method = folder / "methods" / "int8.json"
    assert plain_code(method, None, 10, 1, 2) is not None
    (entry,) = (folder / "codecs" / "int8").glob("*.json")
    entry.write_text(json.dumps({**json.loads(entry.read_text()), "codes": "int8"}))
    assert plain_code(method, None, 10, 1, 2) is None


def test_what_is_timed_is_what_is_printed(run):
    run, _ = run
    method, store = files(run, "binary", "int8")
    contestants = open_plain(method, {"int8": store}, [4], 10, 2)
    assert [contestant.settings[0].store for contestant in contestants] == [NO_STORE, "int8"]
    assert [contestant.code for contestant in contestants] == [
        plain_code(method, None, 10, 1, 2),
        plain_code(method, store, 10, 4, 2),
    ]
    assert all("faiss.omp_set_num_threads(2)\n" in contestant.code for contestant in contestants)
