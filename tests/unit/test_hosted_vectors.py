"""Vectors that were computed elsewhere give the numbers of the pipeline's own: the recipe of docs/hosted-vectors.md."""

import json
import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from sentence_transformers import SentenceTransformer
from sentence_transformers.util.quantization import quantize_embeddings

from embquant import evaluate
from embquant.files.matrices import array_to_matrix
from embquant.files.parquet import read_table
from embquant.indexes.manifest import open_store
from embquant.study.study import Study
from support.embedding_files import command, query_options, small_model, write_corpus, write_queries

RECIPE = (Path(__file__).parents[2] / "docs" / "hosted-vectors.md").read_text()
PLACES = ["a zip archive", "two lists", "the last line", "a json file", "every folder", "a date", "an html page"]
TEXTS = [f"{verb} {place} {how}" for verb, place, how in product(["read", "sort", "split", "open"], PLACES, "xyz")]
ASKED = list(range(0, len(TEXTS), 3))
"""The documents that a query asks for."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A prepared dataset, a model with prompts, and what sentence-transformers makes of the texts with it."""
    folder = tmp_path_factory.mktemp("hosted")
    write_corpus(folder / "corpus.parquet", TEXTS)
    write_queries(folder / "queries.parquet", [f"how to {TEXTS[row]}" for row in ASKED])
    (folder / "dataset.json").write_text(json.dumps({"left_out": {}}))
    model = SentenceTransformer(str(small_model(folder, prompts={"query": "query: ", "document": "passage: "})))
    for name, encode in (("corpus", model.encode_document), ("queries", model.encode_query)):
        table = read_table(folder / f"{name}.parquet", ["id", "text"])
        vectors = encode(table["text"].to_pylist(), normalize_embeddings=True, convert_to_numpy=True)
        columns = {"id": table["id"], "embedding": pa.array(list(vectors))}
        if name == "corpus":
            columns["ubinary"] = pa.array(list(quantize_embeddings(vectors, "ubinary")))
            columns["int8"] = pa.array(list(quantize_embeddings(vectors, "int8", ranges=ranges(vectors))))
        pq.write_table(
            pa.table(columns).take(np.random.default_rng(0).permutation(len(vectors))), folder / f"their-{name}.parquet"
        )
    return folder


def ranges(vectors):
    return np.stack([vectors.min(axis=0), vectors.max(axis=0)])


def embedded(folder, to, asked=(), **entry):
    """Embed with a model as the workflow does, queries with the options ``asked``; return vectors of both."""
    model, output = ["--model", to / "model.json"], ["--output", to / "q.parquet"]
    part = ["--corpus", folder / "corpus.parquet", "--part", 0, "--parts", 1, "--output"]
    steps = [
        ["prepare-model", "--name", "m", "--entry", json.dumps(entry), "--output", to],
        ["embed-corpus", "--dataset", "mine", *model, *part, to / "distinct.parquet"],
        ["place-embeddings", "--distinct", to / "distinct.parquet", *part, to / "part.parquet"],
        ["embed-queries", "--dataset", "mine", *query_options(folder / "queries.parquet"), *model, *asked, *output],
    ]
    assert [command(*step) for step in steps] == [0, 0, 0, 0]
    columns = [read_table(to / name, ["embedding"])["embedding"] for name in ("part.parquet", "q.parquet")]
    return [array_to_matrix(column.combine_chunks()) for column in columns]


def hosted(folder):
    """The entry of the model whose vectors lie in files."""
    codes = dict.fromkeys(("int8", "ubinary"), str(folder / "their-corpus.parquet"))
    files = {"corpus": str(folder / "their-corpus.parquet"), "queries": str(folder / "their-queries.parquet")}
    return {"type": "precomputed", **files, "precisions": codes}


def test_the_numbers_are_those_of_the_pipeline_s_own_embedding(folder, tmp_path):
    own = embedded(folder, tmp_path / "own", name=str(folder / "model"))
    given = embedded(folder, tmp_path / "given", **hosted(folder))
    for ours, theirs in zip(own, given, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    qrels = {query: {row: 1} for query, row in enumerate(ASKED)}
    methods = {name: {"codec": name, "index": "flat"} for name in ("int8", "binary")}
    tables = [evaluate(*vectors, methods, qrels, rescore_stores=["int8"], multipliers=[2]) for vectors in (own, given)]
    assert 0.05 < tables[0]["nDCG@10"].iloc[0] < 0.95, "hard enough that something could differ"
    pd.testing.assert_frame_equal(tables[0], tables[1], rtol=0, atol=1e-6)


def test_without_the_query_s_prompt_they_are_not(folder, tmp_path):
    """Which is what a wrong input type does to vectors from an API."""
    own = embedded(folder, tmp_path / "own", ["--prompt", "passage: "], name=str(folder / "model"))
    given = embedded(folder, tmp_path / "given", **hosted(folder))
    np.testing.assert_allclose(own[0], given[0], rtol=0, atol=1e-5)
    assert np.abs(own[1] - given[1]).max() > 1e-3


def test_a_provider_s_codes_are_stored_as_it_made_them(folder, tmp_path):
    """sentence-transformers stands for the provider."""
    vectors, _ = embedded(folder, tmp_path, **hosted(folder))
    options = ["--entry", json.dumps({"family": "int8", "codes": "int8"}), "--embeddings", tmp_path / "part.parquet"]
    output = ["--state", tmp_path / "state.npz", "--output", tmp_path / "int8.i8bin"]
    assert command("build-store", *options, *output) == 0
    _, store = open_store(tmp_path / "int8.i8bin.json")
    assert np.array_equal(store.codes, quantize_embeddings(vectors, "int8", ranges=ranges(vectors)))


def test_the_recipe_s_code_saves_what_a_precomputed_model_reads(folder, tmp_path):
    code = re.search(r"```python\n(.*?)\nfetch", RECIPE, re.DOTALL)[1]
    names = {}
    exec(code, names)
    vectors = {text: [float(row), 1.0] for row, text in enumerate(TEXTS)}
    names["fetch"](folder / "corpus.parquet", tmp_path / "c.parquet", lambda texts: [vectors[text] for text in texts])
    names["fetch"](folder / "queries.parquet", tmp_path / "q.parquet", lambda texts: [[1.0, 0.0] for _ in texts])
    files = {"corpus": str(tmp_path / "c.parquet"), "queries": str(tmp_path / "q.parquet")}
    corpus, queries = embedded(folder, tmp_path / "out", type="precomputed", normalize=False, **files)
    assert np.array_equal(corpus, np.array(list(vectors.values()), np.float32))
    assert np.array_equal(queries, np.tile(np.float32([1, 0]), (len(ASKED), 1)))


def test_the_recipe_s_configuration_is_a_study():
    study = Study.read(yaml.safe_load(re.search(r"```yaml\n(.*?)```", RECIPE, re.DOTALL)[1]))
    precisions = {name: codec.precision for name, codec in study.codecs.items() if codec.precision}
    assert precisions == {"their-int8": "int8", "their-bits": "ubinary"}
