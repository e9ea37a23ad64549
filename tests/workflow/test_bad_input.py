"""What is wrong is said in one line, last, before any long work, and nothing half-written stays."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.small_study import study

pytestmark = pytest.mark.workflow


def failing_run(checkout):
    """Run as `make run` does and return the last line."""
    status, output = checkout.snakemake("--configfile", "study.yaml")
    assert status != 0, output
    last = output.rstrip().splitlines()[-1]
    assert last.startswith("embquant: error: "), output
    assert not list(checkout.folder.glob("results/logs/**/embed_corpus*")), output
    return last


def with_method(**keys):
    return {**study()["methods"], "binary": {"codec": "binary", "index": "flat", **keys}}


def with_hnsw(**keys):
    return {**study()["methods"], "int8-hnsw": {"codec": "int8", "index": "hnsw", **keys}}


def with_int8(**keys):
    return {**study()["codecs"], "int8": {"family": "int8", **keys}}


CONFIGS = [
    ({"top_kk": [10]}, "unknown key 'top_kk'; did you mean 'top_k'"),
    ({"rescore": {"multiplyers": [4]}}, "rescore: unknown key 'multiplyers'; did you mean 'multipliers'"),
    ({"statistics": {"resample": 5000}}, "statistics: unknown key 'resample'; did you mean 'resamples'"),
    ({"methods": with_method(indx="flat")}, "methods.binary: unknown key 'indx'; did you mean 'index'"),
    ({"methods": with_method(codec="binay")}, "'binay' is not defined; did you mean 'binary'"),
    ({"methods": with_method(index="hsnw")}, "no index 'hsnw' for binary codes; did you mean 'hnsw'"),
    ({"methods": with_hnsw(index="ivf")}, "no index 'ivf' for int8 codes (valid: flat, hnsw)"),
    ({"methods": with_hnsw(search={"expansion_search": []})}, "methods.int8-hnsw.search: []: expected at least one"),
    ({"methods": with_hnsw(search={"expansion_search": [8, 8]})}, "another method 'int8-hnsw-expansion-search-8'"),
    ({"methods": with_hnsw(search={"expansion_search": [8, "x"]})}, "expansion_search is 'x', expected a whole number"),
    ({"codecs": with_int8(transform="rotatoin")}, "transform 'rotatoin' is not known; did you mean 'rotation'"),
    ({"codecs": with_int8(transform=["center", {"kind": "pca", "dims": 9}])}, "unknown key 'dims'; did you mean 'dim'"),
    ({"codecs": with_int8(family="rabitq", bits=9)}, "codecs.int8: bits is 9, expected 1 to 8"),
    ({"codecs": {**study()["codecs"], "int8": {"family": "int7"}}}, "codec 'int7' is not known; did you mean 'int8'"),
    ({"codecs": {**study()["codecs"], "int8": {"family": "int8", "calibraton": 9}}}, "did you mean 'calibration'"),
    (
        {"codecs": {**study()["codecs"], "int8": {"family": "int8", "calibration": True}}},
        "calibration is True, expected",
    ),
    ({"codecs": {"none": {"family": "int8"}, **study()["codecs"]}}, "a codec can't be called 'none'"),
    (
        {"methods": with_method(index="hnsw", scoring="asymmetric")},
        "methods.binary: a hnsw index of binary codes has only the scoring symmetric",
    ),
    (
        {"methods": with_method(index="fastscan", scoring="symmetric")},
        "methods.binary: a fastscan index of binary codes has only the scoring asymmetric",
    ),
    ({"methods": with_hnsw(search={"expansion_serach": 5})}, "did you mean 'expansion_search'"),
    ({"methods": with_hnsw(build={"connectivity": 0})}, "connectivity must be 2 or more"),
    ({"timing": {"threads": "al"}}, "'al': expected a number of threads, or all"),
    ({"datasets": {"p": {"source": "pooled", "datasets": ["p"]}}}, "members of a pooled dataset can't be pooled"),
    ({"top_k": 10}, "10: expected a list"),
    ({"datasets": []}, "[]: expected a mapping"),
    ({"rescore": {"multipliers": [0]}}, "0 is less than the minimum of 1"),
    ({"datasets": {"facts": {"source": "fils", "path": "input"}}}, "did you mean 'files'"),
    ({"datasets": {"facts": {"source": "files", "pth": "input"}}}, "unknown key 'pth'; did you mean 'path'"),
    ({"datasets": {"reports": {"source": "files", "path": "input"}}}, "can't be called 'reports'"),
    ({"datasets": {"../x": {"source": "files", "path": "input"}}}, "'../x': expected a name of lower-case letters"),
    ({"models": {"minilm": {"nme": "x"}}}, "unknown key 'nme'; did you mean 'name'"),
    ({"metrics": ["nDCG@10", "ndgc@10"]}, "metric 'ndgc@10' is not known; did you mean 'nDCG@10'"),
    ({"baseline": "int8"}, "'int8' is not a float32 codec with a flat index"),
    ({"top_k": [0]}, "0 is less than the minimum of 1"),
    ({"parts": "many"}, "'many': expected a whole number"),
    ({"requirements": {"min_retension": 0.9}}, "unknown key 'min_retension'; did you mean 'min_retention'"),
    ({"requirements": {"max_latency_p95_ms": "fast"}}, "'fast': expected a number"),
    ({"prices": {"memory": {"usd_per_gb_month": 5}}}, "prices.memory: 'source' is a required property"),
]


@pytest.mark.parametrize(("changes", "message"), CONFIGS, ids=[message[:40] for _, message in CONFIGS])
def test_configuration(fresh, changes, message):
    fresh.configure(**changes)
    last = failing_run(fresh)
    assert message in last
    assert "study.yaml" in last
    assert not (fresh.folder / "results").exists()


@pytest.mark.parametrize("text", ["", "- a list", "study: [unclosed"])
def test_configuration_that_is_no_mapping(fresh, text):
    (fresh.folder / "study.yaml").write_text(text)
    assert failing_run(fresh)


def test_empty_corpus(fresh):
    (fresh.folder / "input" / "corpus.jsonl").write_text("")
    assert "corpus.jsonl" in failing_run(fresh)


def test_judgement_of_an_unknown_document(fresh):
    with (fresh.folder / "input" / "qrels" / "test.tsv").open("a") as file:
        file.write("q0\td999\t1\n")
    assert "'d999'" in failing_run(fresh)


def test_truncated_parquet(fresh):
    path = fresh.folder / "input" / "corpus.parquet"
    pq.write_table(pa.table({"id": ["a", "b"], "text": ["x", "y"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    (fresh.folder / "input" / "corpus.jsonl").unlink()
    assert "corpus.parquet" in failing_run(fresh)


def test_missing_folder(fresh):
    fresh.configure(datasets={"facts": {"source": "files", "path": "nowhere"}})
    assert "nowhere: no such folder" in failing_run(fresh)


def test_duplicate_id_is_named_and_nothing_is_left(fresh):
    with (fresh.folder / "input" / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "d3", "title": "", "text": "again"}\n')
    assert "'d3'" in failing_run(fresh)
    assert not list(fresh.folder.glob("results/facts/*.parquet"))


def test_missing_model_says_what_to_install(fresh):
    fresh.configure(models={"minilm": {"name": "nobody/no-such-model"}})
    assert "nobody/no-such-model" in failing_run(fresh)


def test_precomputed_embeddings_with_nan_name_the_document(fresh):
    vectors = np.random.default_rng(0).standard_normal((33, 16)).astype(np.float32)
    vectors[7, 3] = np.nan
    np.save(fresh.folder / "vectors.npy", vectors)
    ids = [f"d{row}" for row in range(25)] + [f"q{row}" for row in range(8)]
    (fresh.folder / "ids.txt").write_text("\n".join(ids) + "\n")
    fresh.configure(models={"given": {"type": "precomputed", "corpus": "vectors.npy", "ids": "ids.txt"}})
    status, output = fresh.snakemake("--configfile", "study.yaml")
    assert status != 0
    last = output.rstrip().splitlines()[-1]
    assert last.startswith("embquant: error: ")
    assert "d7" in last
    assert "NaN" in last
    assert not list(fresh.folder.glob("results/facts/given/embeddings/*000-of-002*"))  # nor a temporary file of it


def test_damaged_index_is_named_and_not_used(changed):
    index = changed.folder / "results" / "facts" / "minilm" / "stores" / "binary.faiss"
    size = index.stat().st_size
    index.write_bytes(index.read_bytes()[:-100])
    status, output = changed.embquant("search", "results/facts/minilm", "x")
    assert status == 2
    name = index.relative_to(changed.folder)
    wrong = f"embquant: error: {name}: damaged, {size - 100} bytes where {size} were written; "
    assert output == f"{wrong}to rebuild it: rm -f {name} && make run ARGS='-- {name}'\n"
