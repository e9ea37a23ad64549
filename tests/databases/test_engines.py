"""Each database against an exact search, and what all of them have in common."""

import os
import subprocess
import sys

import numpy as np
import pytest

from embquant.errors import InapplicableError, InputError
from embquant.exact.topk import best
from embquant.indexes import index_class, index_pairs
from support.codec_cases import unit_vectors
from support.index_cases import built, opened

K = 10
CORPUS, QUERIES = unit_vectors(rows=2000, dim=64, seed=1), unit_vectors(rows=40, dim=64, seed=2)
DATABASES = [kind for family, kind in index_pairs() if family == "float32" and index_class(family, kind).is_database]
LOSSLESS = {
    "lancedb": ({}, {}),
    "pgvector": ({"index": "hnsw"}, {"ef_search": 1000}),
    "qdrant": ({}, {"hnsw_ef": 2000}),
    "sqlite-vec": ({"column": "float"}, {}),
    "zvec": ({"index": "hnsw"}, {"ef": 1000}),
}
"""How each database is built and searched so that it finds what an exact search finds."""
QUANTIZED = {
    "lancedb": ({"index_type": "IVF_RQ", "num_partitions": 2}, {"nprobes": 2}, {"nprobes": 2, "refine_factor": 8}),
    "pgvector": ({"type": "bit"}, {}, {"oversampling": 8}),
    "qdrant": (
        {"quantization": {"binary": {}}, "indexing_threshold": 1},
        {"rescore": False},
        {"rescore": True, "oversampling": 8},
    ),
    "sqlite-vec": ({"column": "bit"}, {}, {"oversampling": 8}),
    "zvec": (
        {"index": "ivf_rabitq", "nlist": 2, "total_bits": 1},
        {"nprobe": 2},
        {"nprobe": 2, "is_using_refiner": True, "scale_factor": 8},
    ),
}
"""How each is built to lose something, how it is searched, and how it is searched to find more."""

every_database = pytest.mark.parametrize("kind", DATABASES)


def exact(queries=QUERIES, k=K):
    scores = queries.astype(np.float64) @ CORPUS.T.astype(np.float64)
    return best(scores, np.broadcast_to(np.arange(len(CORPUS)), scores.shape), k)[1]


def overlap(rows):
    return np.mean([len({*found} & {*wanted}) / K for found, wanted in zip(rows, exact(), strict=True)])


@every_database
def test_float_vectors_are_found_as_an_exact_search_finds_them(tmp_path, kind):
    build, search = LOSSLESS[kind]
    codec, _, path = built(tmp_path, "float32", kind, CORPUS, **build)
    index = opened("float32", kind, path, codec, **search)
    scores, rows = index.search(QUERIES, K)
    assert len(index) == len(CORPUS)
    assert overlap(rows) >= 0.99
    assert (np.diff(scores, axis=1) <= 0).all()


@every_database
def test_a_search_does_not_count_rows_again_which_takes_as_long_as_itself(tmp_path, kind, monkeypatch):
    build, search = LOSSLESS[kind]
    codec, _, path = built(tmp_path, "float32", kind, CORPUS, **build)
    index = opened("float32", kind, path, codec, **search)
    _, rows = index.search(QUERIES, K)
    monkeypatch.setattr(type(index), "count", None)
    np.testing.assert_array_equal(index.search(QUERIES, K)[1], rows)


@every_database
def test_ids_are_the_rows(tmp_path, kind):
    build, search = LOSSLESS[kind]
    codec, _, path = built(tmp_path, "float32", kind, CORPUS, **build)
    _, rows = opened("float32", kind, path, codec, **search).search(CORPUS[::50], 1)
    assert rows[:, 0].tolist() == list(range(0, len(CORPUS), 50))


@every_database
def test_the_quantizer_loses_and_looking_further_wins_it_back(tmp_path, kind):
    build, search, further = QUANTIZED[kind]
    codec, _, path = built(tmp_path, "float32", kind, CORPUS, **build)
    coarse, fine = (
        overlap(opened("float32", kind, path, codec, **how).search(QUERIES, K)[1]) for how in (search, further)
    )
    assert coarse < 0.9
    assert fine > coarse + 0.1


@every_database
def test_nothing_is_deleted_or_left_that_it_did_not_make(tmp_path, kind):
    (tmp_path / ".staging-of-mine").mkdir()
    (tmp_path / "vectors.db").write_text("mine")
    build, search = LOSSLESS[kind]
    codec, _, path = built(tmp_path, "float32", kind, CORPUS, **build)
    before = path.read_bytes()
    index = opened("float32", kind, path, codec, **search)
    index.search(QUERIES, K)
    del index
    assert {file.name for file in tmp_path.iterdir()} == {".staging-of-mine", "vectors.db", "index.tar"}
    assert path.read_bytes() == before


@every_database
def test_fewer_documents_than_are_asked_for(tmp_path, kind):
    codec, _, path = built(tmp_path, "float32", kind, CORPUS[:5], **LOSSLESS[kind][0])
    _, rows = opened("float32", kind, path, codec, **LOSSLESS[kind][1]).search(QUERIES, K)
    assert rows.shape == (len(QUERIES), 5)


@every_database
def test_a_damaged_snapshot_is_one_line(tmp_path, kind):
    codec, _, path = built(tmp_path, "float32", kind, CORPUS[:300], **LOSSLESS[kind][0])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"index\.tar: not a readable snapshot .*delete it and run again"):
        opened("float32", kind, path, codec)
    assert [file.name for file in tmp_path.iterdir()] == ["index.tar"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("kind", [kind for kind in DATABASES if kind != "pgvector"])
def test_a_full_disk_is_said_and_nothing_is_left(small_disk, kind):
    """PostgreSQL has more to say, which its own tests look at."""
    with pytest.raises((OSError, InputError), match=r"no space left on the device|database or disk is full"):
        built(small_disk, "float32", kind, CORPUS, **LOSSLESS[kind][0])
    assert [*small_disk.iterdir()] == []


@every_database
def test_a_disk_that_is_full_while_it_is_opened_is_no_reason_to_delete_it(tmp_path, small_disk, kind, monkeypatch):
    codec, _, path = built(tmp_path, "float32", kind, CORPUS, **LOSSLESS[kind][0])
    monkeypatch.setenv("EMBQUANT_SCRATCH", str(small_disk))
    with pytest.raises(OSError, match="no space left on the device") as error:
        opened("float32", kind, path, codec)
    assert error.value.filename == str(small_disk)
    assert [*small_disk.iterdir()] == []


@pytest.mark.parametrize("kind", DATABASES)
def test_a_missing_package_says_how_to_install_it(tmp_path, kind):
    package = index_class("float32", kind).packages[0]
    code = f"""
import sys
sys.modules[{package!r}] = None
from embquant.indexes import index_class
index_class("float32", {kind!r}).require_packages()
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    assert run.stderr.splitlines()[-1].endswith("; to install the databases: make databases")


def test_more_rows_than_sqlite_vec_returns_are_refused_and_not_cut_off(tmp_path):
    """2,000 × 3 rows are asked for, where there are 5,000 and at most 4,096 are returned."""
    corpus = unit_vectors(rows=5000, dim=16, seed=3)
    codec, _, path = built(tmp_path, "float32", "sqlite-vec", corpus, column="bit")
    index = opened("float32", "sqlite-vec", path, codec, oversampling=3)
    assert index.search(corpus[:1], 1365)[1].shape == (1, 1365)
    with pytest.raises(InapplicableError, match="sqlite-vec returns at most 4,096 rows of a search, not 5,000"):
        index.search(corpus[:1], 2000)
