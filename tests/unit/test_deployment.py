"""What a report says of deployment is true: the code does what was timed, the configuration is a study's."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from embquant.cli import main
from embquant.indexes import index_class
from embquant.quantize.codecs import CODECS
from embquant.report.deployment import configuration, deployment_code
from embquant.retrieve.rescoring import Store
from embquant.retrieve.retriever import Retriever
from embquant.study.config import Configuration
from embquant.study.study import Study
from support.codec_cases import INDEXED, unit_vectors
from support.embeddings import write_vectors
from support.index_cases import entry_of

SEARCHES = {"ivf": {"nprobe": 3}, "hnsw": {"expansion_search": 9}}
EVERY = [(*pair, scoring) for pair in INDEXED for scoring in index_class(*pair).scorings(CODECS[pair[0]])]


def entry(family, kind, **transform):
    return {**entry_of(family, kind), **transform}


def study(family, kind, scoring, **transform):
    """A study of one method and the baseline."""
    method = {"codec": "own", "index": kind, "scoring": scoring, "build": {}, "search": SEARCHES.get(kind, {})}
    float32 = {"codec": "float32", "index": "flat", "build": {}, "search": {}}
    codecs = {"own": entry(family, kind, **transform), "float32": {"family": "float32"}, "int8": {"family": "int8"}}
    config = {"study": "x", "datasets": {"a": {"source": "python-stdlib"}}, "models": {"m": {"name": "a-model"}}}
    return Study.read({**config, "codecs": codecs, "methods": {"float32": float32, "own": method}})


def chosen(store, multiplier, top_k=5, method="own", engine="numkong"):
    """A setting of the reports, timed on two threads."""
    setting = {"method": method, "rescore_store": store, "rescore_multiplier": multiplier, "top_k": top_k}
    return pd.Series({**setting, "threads": 2.0, "engine": engine}, dtype=object)


def run(folder, made_up):
    """Build what the workflow builds for the method ``own`` and the store ``int8``, by the same commands."""
    vectors, embeddings = unit_vectors(), folder / "embeddings.parquet"
    write_vectors(embeddings, vectors, prefix="")
    method = made_up.methods["own"]
    for codec, kind in [("own", method.entry.index), ("int8", "flat")]:
        spec = made_up.config.to_dict()["codecs"][codec]
        state = folder / "codecs" / codec / "state.npz"
        store = folder / "stores" / f"{codec}{index_class(spec['family'], 'flat').suffix}"
        index = store if kind == "flat" else folder / "indexes" / f"{codec}{index_class(spec['family'], kind).suffix}"
        entry = ["--entry", json.dumps(spec), "--embeddings", embeddings]
        call("build-store", *entry, "--state", state, "--output", store)
        if kind != "flat":
            call("build-index", "--index-kind", kind, "--store", f"{store}.json", "--output", index)
        if codec == "own":
            manifest, search = f"{index}.json", json.dumps(method.entry.search)
            own = ["--name", "own", "--manifest", manifest, "--scoring", method.scoring, "--search", search]
            call("define-method", *own, "--output", folder / "methods" / "own.json")


def call(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


@pytest.mark.parametrize("transform", [{}, {"transform": "rotation"}], ids=["plain", "rotated"])
@pytest.mark.parametrize(("family", "kind", "scoring"), EVERY)
def test_the_code_finds_the_same_in_the_same_order_with_the_engine_that_was_timed(
    tmp_path, family, kind, scoring, transform
):
    config = study(family, kind, scoring, **transform)
    run(tmp_path, config)
    queries = unit_vectors(9, seed=1)
    for store, multiplier in [("none", 1), ("int8", 4)]:
        found = {"queries": queries}
        exec(deployment_code(chosen(store, multiplier), config, str(tmp_path)), found)
        manifest = None if store == "none" else tmp_path / "stores" / "int8.i8bin.json"
        timed = Retriever.open(tmp_path / "methods" / "own.json", manifest, 2)
        scores, rows = timed.search(queries, 5, multiplier)
        np.testing.assert_array_equal(found["rows"], rows)
        assert np.array_equal(np.lexsort((rows, -scores)), np.tile(np.arange(5), (9, 1)))  # best first, ties by row
        if manifest is not None:
            np.testing.assert_allclose(Store.open(manifest).score(queries, found["rows"]), scores, rtol=1e-6)
        retriever = found["retriever"]
        assert retriever.index.engine == timed.index.engine == getattr(index_class(family, kind), "engine", "blas")
        assert (retriever.threads, retriever.scoring) == (2, scoring)
        assert retriever.search(queries[0], 5, multiplier)[1].tolist() == rows[0].tolist()


@pytest.mark.parametrize(("engine", "used"), [("blas", "blas"), ("faiss alone, blas in batch", "faiss")])
def test_float32_is_deployed_with_the_engine_that_was_faster_for_single_queries(tmp_path, engine, used):
    config = study("float32", "flat", "asymmetric")
    run(tmp_path, config)
    (tmp_path / "methods" / "own.json").rename(tmp_path / "methods" / "float32.json")
    found = {"queries": unit_vectors(9, seed=1)}
    exec(deployment_code(chosen("none", 1, method="float32", engine=engine), config, str(tmp_path)), found)
    assert found["retriever"].index.engine == used


def test_the_code_is_that_of_the_retriever_whatever_the_folder_is_called():
    code = deployment_code(chosen("int8", 4), study("binary", "hnsw", "symmetric"), 'results/a"b 😀/m')
    assert code.splitlines()[-3:] == [
        'folder = Path("results/a\\"b 😀/m")',
        'retriever = Retriever.open(folder / "methods/own.json", folder / "stores/int8.i8bin.json", threads=2)',
        "_, rows = retriever.search(queries, 5, 4)",
    ]


@pytest.mark.parametrize(("store", "multiplier"), [("none", 1), ("int8", 4)])
def test_the_code_leaves_out_what_was_left_out_of_results(tmp_path, store, multiplier):
    """Queries are documents: brute force over the float32 vectors says what each finds besides itself."""
    config = study("float32", "flat", "asymmetric")
    folder = tmp_path / "d" / "m"
    folder.mkdir(parents=True)
    run(folder, config)
    vectors, own = unit_vectors(), np.array([3, -1, 7])
    pq.write_table(pa.table({"own_row": own}), tmp_path / "d" / "queries.parquet")
    found = {"queries": vectors[[3, 5, 7]]}
    exec(deployment_code(chosen(store, multiplier), config, str(folder), own_documents=True), found)
    scores = (found["queries"].astype(np.float64)) @ vectors.T.astype(np.float64)
    scores[0, 3] = scores[2, 7] = -np.inf
    np.testing.assert_array_equal(found["rows"], np.argsort(-scores, axis=1, kind="stable")[:, :5])


@pytest.mark.parametrize("store", ["none", "int8"])
def test_the_configuration_and_the_user_s_datasets_and_models_are_a_study(store):
    config = study("binary", "hnsw", "symmetric", transform=["center", {"kind": "pca", "dim": 16}])
    written = yaml.safe_load(configuration(chosen(store, 4), config))
    assert written["codecs"]["own"] == config.config.to_dict()["codecs"]["own"]
    assert written["methods"]["own"] == {
        "codec": "own", "index": "hnsw", "scoring": "symmetric", "search": {"expansion_search": 9}
    }  # fmt: skip
    assert written["methods"]["float32"] == {"codec": "float32", "index": "flat"}
    assert (written["baseline"], written["top_k"]) == ("float32", [5])
    assert written.get("rescore") == (None if store == "none" else {"stores": ["int8"], "multipliers": [4]})
    assert set(written["codecs"]) == {"own", "float32"} | ({store} - {"none"})
    Configuration.read({"study": "x", "datasets": {"a": {"source": "files"}}, "models": {"m": {}}, **written})
