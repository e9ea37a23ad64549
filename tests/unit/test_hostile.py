"""Files that carry code: nothing of it runs, whichever path reads them."""

import gzip
import io
import json
import pickle
import zipfile
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.cli import main
from embquant.datasets.formats import open_table
from embquant.embedding.given import check_files
from embquant.embedding.spec import PrecomputedSpec
from embquant.errors import InputError
from embquant.files.records import recording
from embquant.indexes import index_class
from embquant.indexes.manifest import Manifest, open_index
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import load_codec
from support.codec_cases import SCALED_PQ, case, fitted, unit_vectors
from support.embedding_files import command, small_model
from support.searched import both_ways


class Trap:
    """Unpickled, it writes a file."""

    def __init__(self, path):
        self._path = path

    def __reduce__(self):
        return Path.touch, (self._path,)


@pytest.fixture
def sprung(tmp_path):
    """The file that a trap writes; a test ends with it not there, which this checks to be a test at all."""
    path = tmp_path / "sprung"
    pickle.loads(pickle.dumps(Trap(path)))
    assert path.exists()
    path.unlink()
    yield path
    assert not path.exists()


def pickled(path, sprung):
    """Write a .npy file of one object, which unpickling would set off."""
    np.save(path, np.array([Trap(sprung)] * 2, dtype=object), allow_pickle=True)
    return path


@pytest.mark.parametrize("suffix", [".npy", ".txt.npy"])
def test_vectors_and_ids_are_not_unpickled(tmp_path, sprung, suffix):
    good, bad = tmp_path / "good.npy", pickled(tmp_path / f"bad{suffix}", sprung)
    np.save(good, np.ones((2, 4), np.float32))
    for vectors, ids in ((bad, good), (good, bad)):
        with pytest.raises(InputError, match="bad"):
            check_files(PrecomputedSpec(type="precomputed", corpus=str(vectors), ids=str(ids)), [])


def test_the_state_of_a_codec_is_not_unpickled(tmp_path, sprung):
    case("int8").save(tmp_path / "state.npz")
    member = pickled(tmp_path / "ranges.npy", sprung)
    with zipfile.ZipFile(tmp_path / "state.npz", "a") as archive:
        archive.writestr("other.npy", member.read_bytes())
    with pytest.raises(InputError, match="not the state of a codec"):
        load_codec(tmp_path / "state.npz")
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(InputError, match="not the state of a codec"):
        load_codec(tmp_path / "pickle.npz")


OWN_CODE = {
    "a module": ("modules.json", lambda described: [{**described[0], "type": "own.Own"}, *described[1:]]),
    "an architecture": ("config.json", lambda described: {**described, "model_type": "own", "auto_map": MAPPED}),
    "a class for a known architecture": ("config.json", lambda described: {**described, "auto_map": MAPPED}),
}
MAPPED = {"AutoConfig": "own.Own", "AutoModel": "own.Own"}


@pytest.mark.parametrize("place", OWN_CODE)
def test_code_that_a_model_brings_is_not_run(tmp_path, sprung, capsys, place):
    folder = small_model(tmp_path)
    (folder / "own.py").write_text(f"from pathlib import Path\nPath({str(sprung)!r}).touch()\nOwn = None\n")
    name, changed = OWN_CODE[place]
    (folder / name).write_text(json.dumps(changed(json.loads((folder / name).read_text()))))
    status = command(
        "prepare-model", "--name", "m", "--entry", json.dumps({"name": str(folder)}), "--output", tmp_path / "o"
    )
    refused = "needs code that it brings itself, which is never run here" in capsys.readouterr().err
    assert (status, refused) == (
        (0, False) if "known" in place else (2, True)
    )  # what is known is taken from transformers


def test_an_index_is_not_unpickled(tmp_path, sprung):
    codec = fitted(SCALED_PQ, unit_vectors())
    index = index_class("scaled-pq", "flat")
    with pytest.raises(InputError, match="delete it and run again"):
        index.open(pickled(tmp_path / "index.npy", sprung), codec, 1, index.search_parameters())


@pytest.mark.parametrize("mapped", [False, True])
def test_an_index_that_is_cut_off_anywhere_in_its_header_crashes_nothing(tmp_path, mapped):
    """FAISS's reader of mapped files does, where a file ends with the size of an array."""
    codec, kind = case("float32"), index_class("float32", "ivf")
    vectors = unit_vectors(60)
    kind.build(codec, Batches(lambda: iter([vectors]), 60, 32), tmp_path / "index", kind.build_parameters(lists=4))
    whole = (tmp_path / "index").read_bytes()
    for size in range(200):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(InputError, match="delete it and run again"):
            kind.open(tmp_path / "cut", codec, 1, kind.search_parameters(), mapped)


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("name", ["float32", "int4", "pq"])
def test_faiss_opens_no_file_that_is_not_as_it_was_written(tmp_path, monkeypatch, name, mapped):
    """FAISS believes sizes in a header: what it would read beyond the file is not tried."""
    with recording(["build-store"]):
        both_ways(tmp_path, name, "asymmetric", 1, 5, unit_vectors(300))
    index = tmp_path / "index.faiss"
    content = bytearray(index.read_bytes())
    content[8] ^= 1  # of the number of vectors
    index.write_bytes(content)
    read_index = faiss.read_index

    def read(source, *flags):  # a codec's state isn't a path
        assert not isinstance(source, str), "FAISS was asked to read the file"
        return read_index(source, *flags)

    monkeypatch.setattr(faiss, "read_index", read)
    with pytest.raises(InputError, match=r"index\.faiss: .*to rebuild it: "):
        open_index(tmp_path / "index.faiss.json", threads=1, mapped=mapped)


def test_a_state_that_unpacks_to_more_than_it_is_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "state.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        array = io.BytesIO()
        np.save(array, np.zeros(1 << 20, np.float32))
        archive.writestr("thresholds.npy", array.getvalue())
    with pytest.raises(InputError, match="isn't compressed"):
        load_codec(tmp_path / "state.npz")


def test_a_gzipped_line_that_no_memory_holds_is_refused(tmp_path, capsys):
    with gzip.open(tmp_path / "corpus.jsonl.gz", "wb") as file:
        file.write(b'{"_id": "a", "text": "')
        for _ in range(130):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n')
    spec = json.dumps({"source": "files", "path": str(tmp_path)})
    assert main(["prepare-dataset", "--name", "x", "--entry", spec, "--output", str(tmp_path / "out")]) == 2
    assert "line 1 is longer than 128 MiB" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_many_long_lines_that_compress_well_are_not_held_at_once(tmp_path, kind):
    path, text = tmp_path / f"corpus.{kind}.gz", "x" * (5 << 20)
    header, line = ("_id,text\n", "{},{}\n") if kind == "csv" else ("", '{{"_id": {}, "text": "{}"}}\n')
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(header)
        file.writelines(line.format(row, text) for row in range(9))
    batches = [batch.columns["_id"] for batch in open_table(path).read(["_id", "text"])]
    assert [len(batch) for batch in batches] == [4, 4, 1]
    assert [int(row) for batch in batches for row in batch] == list(range(9))


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary", None])
def test_a_long_text_that_parquet_stores_once_is_not_held_for_every_row(tmp_path, kind):
    texts = pa.DictionaryArray.from_arrays(pa.array([0, 0, None, 0] * 12, pa.int32()), pa.array(["x" * (1 << 20)]))
    if "string" in (kind or ""):
        texts = texts.cast(kind)
    stored = kind is not None  # what Arrow knows of the types
    table = pa.table({"_id": pa.array(map(str, range(48))), "text": texts})
    pq.write_table(table, tmp_path / "corpus.parquet", store_schema=stored)
    assert (tmp_path / "corpus.parquet").stat().st_size < 1 << 20
    batches = list(open_table(tmp_path / "corpus.parquet").read(["_id", "text"]))
    held = [sum(len(text or "") for text in batch.columns["text"].to_pylist()) >> 20 for batch in batches]
    assert sum(held) == 36
    assert max(held) <= 16
    assert [row for batch in batches for row in batch.columns["_id"].to_pylist()] == list(map(str, range(48)))
    assert batches[1].where(0) == f"{tmp_path / 'corpus.parquet'}: row {len(batches[0].numbers) + 1}"


def test_a_manifest_names_no_file_elsewhere(tmp_path):
    described = dict.fromkeys(["family", "kind", "codec"], "x") | dict.fromkeys(
        ["dim", "vectors", "bytes_per_vector"], 1
    )
    described |= {"parameters": {}, "fit_seconds": 0, "encode_seconds": 0.5, "build_seconds": 1}
    manifest = tmp_path / "x.json"
    for file in ("../../etc/passwd", "/etc/passwd", "a/b", ""):
        manifest.write_text(json.dumps({**described, "file": file}))
        with pytest.raises(InputError, match="isn't beside it"):
            Manifest.read(manifest)
    manifest.write_text(json.dumps({**described, "file": "x"}))
    assert Manifest.read(manifest).file == "x"
