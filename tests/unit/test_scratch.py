"""A folder on a node's own disk: what is mapped is copied there, and nothing else changes."""

from pathlib import Path

import numpy as np
import pytest

from embquant.errors import InputError
from embquant.files import scratch
from embquant.files.atomic import read_json, write_json
from embquant.indexes import index_class
from embquant.indexes.manifest import Encoded, open_index
from embquant.steps.build_store import corpus_sample, store_codes
from embquant.steps.measure_memory import measure_memory
from support.codec_cases import case, unit_vectors
from support.embeddings import write_vectors
from support.searched import both_ways

FORMATS = ["float32", "int8", "int4", "binary", "pq", "scaled-pq"]
"""A family for each kind of index file."""


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A scratch folder, named as a cluster names it: by a variable of the node."""
    path = tmp_path / "own disk"
    path.mkdir()
    monkeypatch.setenv("DISK_OF_THE_NODE", str(path))
    monkeypatch.setenv(scratch.VARIABLE, "$DISK_OF_THE_NODE")
    return path


def flat_index(folder, family):
    """Build a flat index; return its manifest."""
    codec = case(family)
    codec.save(folder / "state.npz")
    write_vectors(folder / "embeddings.parquet", unit_vectors())
    index = folder / f"index{index_class(family, 'flat').suffix}"
    store_codes(corpus_sample([folder / "embeddings.parquet"]), index, Encoded(folder / "state.npz"))
    return index.with_name(f"{index.name}.json")


def mapped_files():
    """Return what files this process has mapped."""
    lines = (line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines())
    return {line[5] for line in lines if len(line) == 6}


def test_what_is_mapped_is_a_copy_that_leaves_nothing_behind(tmp_path, disk):
    manifest = flat_index(tmp_path, "float32")
    _, index = open_index(manifest, threads=1, mapped=True)
    copies = [file for file in mapped_files() if file.startswith(f"{disk}/")]
    assert [file.rpartition("/")[2] for file in copies] == [f"{manifest.stem} (deleted)"]
    assert list(disk.iterdir()) == []
    assert np.array_equal(index.codes, unit_vectors())


def test_what_is_read_into_memory_is_not_copied(tmp_path, disk):
    manifest = flat_index(tmp_path, "float32")
    disk.rmdir()  # it would be missed
    open_index(manifest, threads=1)


@pytest.mark.parametrize("name", FORMATS)
def test_candidates_are_the_same_to_the_byte(tmp_path, disk, monkeypatch, name):
    (tmp_path / "there").mkdir()
    scoring = case(name).scorings[0]
    copied = both_ways(tmp_path / "there", name, scoring, 2, 10, unit_vectors(200))
    assert list(disk.iterdir()) == []
    monkeypatch.delenv(scratch.VARIABLE)
    (tmp_path / "here").mkdir()
    plain = both_ways(tmp_path / "here", name, scoring, 2, 10, unit_vectors(200))
    assert [path.read_bytes() for path in copied] == [path.read_bytes() for path in plain]


def test_a_folder_that_is_not_there_is_named_as_it_was_given(tmp_path, disk):
    manifest = flat_index(tmp_path, "float32")
    disk.rmdir()
    with pytest.raises(InputError, match=r"EMBQUANT_SCRATCH: .*own disk \(\$DISK_OF_THE_NODE\) is no folder"):
        open_index(manifest, threads=1, mapped=True)


def test_memory_is_measured_of_the_files_themselves(tmp_path, disk):
    """A copy's pages would be counted as nobody's."""
    manifest, queries = flat_index(tmp_path, "float32"), tmp_path / "embeddings.parquet"
    method = tmp_path / "method.json"
    write_json(method, {"name": "x", "manifest": manifest.name, "scoring": "symmetric", "search": {}})
    disk.rmdir()  # it would be missed
    output, stores = tmp_path / "memory.json", {"float32": manifest}
    measure_memory(
        method_file=method, baseline_file=method, query_vectors=queries, stores=stores, depth=5, output=output
    )
    without, rescored = (setting["mapped_bytes"] for setting in read_json(output)["settings"])
    assert without == 0
    assert rescored >= 600 * 32 * 4
