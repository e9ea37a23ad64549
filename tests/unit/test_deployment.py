"""What a report says of deployment is true: the code finds what the retriever finds, the configuration is a study's."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from embquant.cli import main
from embquant.files.parquet import embedding_schema, matrix_to_array, write_parquet
from embquant.indexes import index_class
from embquant.quantize.codecs import CODECS
from embquant.report.deployment import code, configuration
from embquant.retrieve.retriever import Retriever
from embquant.study.config import Configuration
from support.codec_cases import INDEXED, PQ, SCALED_PQ, unit_vectors

ENTRIES = {"pq": PQ, "scaled-pq": SCALED_PQ, "pq-fastscan": {"family": "pq", "pieces": 8, "bits": 4}}
SEARCHES = {"ivf": {"nprobe": 3}, "hnsw": {"expansion_search": 9}}
EVERY = [(*pair, scoring) for pair in INDEXED for scoring in index_class(*pair).scorings(CODECS[pair[0]])]


def entry(family, kind, **transform):
    return {**ENTRIES.get(f"{family}-{kind}", ENTRIES.get(family, {"family": family})), **transform}


def study(family, kind, scoring, **transform):
    """A configuration as the workflow has it, of one method and the baseline."""
    method = {"codec": "own", "index": kind, "scoring": scoring, "build": {}, "search": SEARCHES.get(kind, {})}
    float32 = {"codec": "float32", "index": "flat", "build": {}, "search": {}, "built": "float32"}
    codecs = {"own": entry(family, kind, **transform), "float32": {"family": "float32"}, "int8": {"family": "int8"}}
    return {
        "codecs": codecs,
        "methods": {"float32": float32, "own": {**method, "built": "own"}},
        "baseline": "float32",
    }


def chosen(store, multiplier, top_k=5):
    return pd.Series(
        {"method": "own", "rescore_store": store, "rescore_multiplier": multiplier, "top_k": top_k}, dtype=object
    )


def run(folder, config):
    """Build what the workflow builds for the method ``own`` and the store ``int8``, by the same commands."""
    vectors, embeddings = unit_vectors(), folder / "embeddings.parquet"
    schema = embedding_schema(vectors.shape[1])
    ids = [str(row) for row in range(len(vectors))]
    write_parquet(embeddings, schema, [pa.table([ids, matrix_to_array(vectors)], schema=schema)])
    method = config["methods"]["own"]
    for codec, kind in [("own", method["index"]), ("int8", "flat")]:
        spec = config["codecs"][codec]
        state, codes = folder / "codecs" / codec / "state.npz", folder / "codecs" / codec / "part.parquet"
        place = "stores" if kind == "flat" else "indexes"
        index = folder / place / f"{codec}{index_class(spec['family'], kind).suffix}"
        call("fit-codec", "--entry", json.dumps(spec), "--embeddings", embeddings, "--output", state)
        call("encode-corpus", "--state", state, "--embeddings", embeddings, "--output", codes)
        call("build-index", "--index-kind", kind, "--state", state, "--codes", codes, "--output", index)
        if codec == "own":
            manifest, search = f"{index}.json", json.dumps(method["search"])
            own = ["--name", "own", "--manifest", manifest, "--scoring", method["scoring"], "--search", search]
            call("define-method", *own, "--output", folder / "methods" / "own.json")


def call(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


@pytest.mark.parametrize("transform", [{}, {"transform": "rotation"}], ids=["plain", "rotated"])
@pytest.mark.parametrize(("family", "kind", "scoring"), EVERY)
def test_the_code_finds_what_the_retriever_finds(tmp_path, family, kind, scoring, transform):
    config = study(family, kind, scoring, **transform)
    run(tmp_path, config)
    queries = unit_vectors(9, seed=1)
    for store, multiplier in [("none", 1), ("int8", 4)]:
        found = {"queries": queries}
        exec(code(chosen(store, multiplier), config, str(tmp_path)), found)
        manifest = None if store == "none" else tmp_path / "stores" / "int8.i8bin.json"
        _, rows = Retriever.open(tmp_path / "methods" / "own.json", manifest, 1).search(queries, 5, multiplier)
        np.testing.assert_array_equal(np.sort(found["rows"]), np.sort(rows))


def test_the_code_names_the_library_that_the_file_belongs_to():
    def of(*method):
        return code(chosen("none", 1), study(*method), "results/a/m")

    assert 'faiss.read_index_binary(str(folder / "stores/own.faiss"))' in of("binary", "flat", "symmetric")
    assert 'Index.restore(str(folder / "indexes/own.usearch"))' in of("int8", "hnsw", "asymmetric")
    assert "index.expansion_search = 9" in of("int8", "hnsw", "asymmetric")
    assert "index.nprobe = 3" in of("float32", "ivf", "asymmetric")
    assert "load_matrix" in of("int8", "flat", "asymmetric")


@pytest.mark.parametrize("store", ["none", "int8"])
def test_the_configuration_and_the_user_s_datasets_and_models_are_a_study(store):
    config = study("binary", "hnsw", "symmetric", transform=["center", {"kind": "pca", "dim": 16}])
    written = yaml.safe_load(configuration(chosen(store, 4), config))
    assert written["codecs"]["own"] == config["codecs"]["own"]
    assert written["methods"]["own"] == {
        "codec": "own", "index": "hnsw", "scoring": "symmetric", "search": {"expansion_search": 9}
    }  # fmt: skip
    assert written["methods"]["float32"] == {"codec": "float32", "index": "flat"}
    assert (written["baseline"], written["top_k"]) == ("float32", [5])
    assert written.get("rescore") == (None if store == "none" else {"stores": ["int8"], "multipliers": [4]})
    assert set(written["codecs"]) == {"own", "float32"} | ({store} - {"none"})
    Configuration.read({"study": "x", "datasets": {"a": {"source": "files"}}, "models": {"m": {}}, **written})
