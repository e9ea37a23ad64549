"""The memory of a method and of its rescore stores, each in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from embquant.errors import InputError
from embquant.files.atomic import write_json
from embquant.indexes.manifest import Encoded
from embquant.measure.memory import MMAP_THRESHOLD, measure_in_processes
from embquant.steps.build_store import corpus_sample, store_codes
from support.codec_cases import case, unit_vectors
from support.embeddings import write_vectors

BYTES = 20_000 * 32 * 4
ITSELF = """import json, sys; from pathlib import Path
from embquant.files.parquet import spare_pandas; spare_pandas()
from embquant.measure.memory import measure
method, store, queries = sys.argv[1:]
print(json.dumps(measure(Path(method), Path(store) if store else None, Path(queries), 5)))"""
SAME_BYTES = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONMALLOC": "malloc"} | {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_MMAP_THRESHOLD_": str(MMAP_THRESHOLD),
    "MALLOC_TOP_PAD_": "0",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A method that loads float32 vectors, which are a store as well, and the file of its queries."""
    folder = tmp_path_factory.mktemp("memory")
    case("float32").save(folder / "state.npz")
    write_vectors(folder / "embeddings.parquet", unit_vectors(20_000))
    store_codes(corpus_sample([folder / "embeddings.parquet"]), folder / "index.faiss", Encoded(folder / "state.npz"))
    method = {"name": "x", "manifest": "index.faiss.json", "scoring": "symmetric", "search": {}}
    write_json(folder / "method.json", method)
    return folder


def in_a_new_interpreter(folder, store):
    paths = [folder / "method.json", store or "", folder / "embeddings.parquet"]
    command = [sys.executable, "-c", ITSELF, *map(str, paths)]
    done = subprocess.run(command, env={**os.environ, **SAME_BYTES}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_fork_measures_what_a_new_interpreter_does(built):
    """Its peak too: a fork maps the pages of libraries only as it touches them."""
    store = built / "index.faiss.json"
    forks = measure_in_processes(built / "method.json", [None, store, None], built / "embeddings.parquet", 5)
    whole = [in_a_new_interpreter(built, asked) for asked in (None, store)]
    for fork, new in zip(forks, [*whole, whole[0]], strict=True):
        assert {**fork, "peak_rss_bytes": 0} == {**new, "peak_rss_bytes": 0}
        assert fork["peak_rss_bytes"] == pytest.approx(new["peak_rss_bytes"], rel=0.02)
    assert forks[0]["resident_bytes"] >= BYTES
    assert BYTES <= forks[1]["mapped_bytes"] <= BYTES + 2 * 4096


def test_what_fails_in_a_process_is_said(built):
    method, queries = built / "method.json", built / "embeddings.parquet"
    with pytest.raises(InputError, match=r"method\.json: measuring its memory failed: .*no\.json"):
        measure_in_processes(method, [None, built / "no.json"], queries, 5)
