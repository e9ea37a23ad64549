"""The files that vectors and their ids come in: read, or refused in one line that says what it is and what to do."""

import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.embedding.given import given_vectors
from embquant.embedding.spec import PrecomputedSpec
from embquant.errors import InputError
from support.embedding_files import write_queries

IDS = [f"d{row}" for row in range(6)]
VECTORS = np.random.default_rng(3).standard_normal((6, 4)).astype(np.float32)
HALVES = VECTORS.astype(np.float16)
FLAT = pa.list_(pa.float32(), 4)


def read(folder, wanted=IDS, **spec):
    """Return the vectors of the ids ``wanted``, as they are in the files that ``spec`` names."""
    table = write_queries(folder / "wanted.parquet", ["text"] * len(wanted), list(wanted))
    entry = PrecomputedSpec(normalize=False, **spec)
    vectors = given_vectors({"model": "m", **entry.model_dump()}, "corpus", "mine", table, 0, len(wanted))
    return np.concatenate([window for _, _, window in vectors.windows()])


def write(path, column, ids=IDS):
    pq.write_table(pa.table({"id": ids, "embedding": column}), path)
    return str(path)


def tensors(shape):
    kind = pa.fixed_shape_tensor(pa.float32(), shape)
    return pa.ExtensionArray.from_storage(kind, pa.array(list(VECTORS), FLAT))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(list(HALVES), pa.list_(pa.float16())), HALVES),
        (pa.array(list(HALVES), pa.list_(pa.float16(), 4)), HALVES),
        (tensors([4]), VECTORS),
        (tensors([1, 4]), VECTORS),
        (pa.array([[row] for row in VECTORS.tolist()], pa.list_(pa.list_(pa.float32()))), VECTORS),
        (pa.array([[row] for row in VECTORS.tolist()], pa.list_(pa.list_(pa.float64(), 4), 1)), VECTORS),
        (pa.array([[row] for row in VECTORS.tolist()], pa.large_list(FLAT)), VECTORS),
    ],
    ids=str,
)
def test_lists_of_floats_are_read_however_they_are_wrapped(tmp_path, column, expected):
    path = write(tmp_path / "v.parquet", column)
    assert np.array_equal(read(tmp_path, corpus=path), expected.astype(np.float32))


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([[1, -2, 3]] * 6, pa.list_(pa.int8())), ["int8", "float vectors", "times its scale"]),
        (pa.array([[1, 2]] * 6, pa.list_(pa.uint8(), 2)), ["uint8", "np.unpackbits"]),
        (pa.array([b"ab"] * 6, pa.binary(2)), ["fixed_size_binary", "np.unpackbits"]),
        (pa.array([b"ab"] * 6), ["binary", "np.unpackbits"]),
        (pa.array([[True]] * 6), ["bool", "np.unpackbits"]),
        (pa.array(["[0.1, 0.2]"] * 6), ["string", "json.loads"]),
        (pa.array([["0.1", "0.2"]] * 6), ["string", "json.loads"]),
        (pa.array([None] * 6), ["is null", "every value is missing"]),
        (pa.array([[None]] * 6), ["null", "every value is missing"]),
        (tensors([2, 2]), ["shape (2, 2)", "one vector for each id"]),
        (pa.array([[[1.0], [2.0]]] * 6, pa.list_(pa.list_(pa.float32()), 2)), ["one vector for each id"]),
        (pa.array([{"x": 1.0}] * 6), ["struct", "expected lists of float or double"]),
        (pa.array([0.5] * 6), ["double", "expected lists of float or double"]),
    ],
    ids=str,
)
def test_other_columns_are_refused_by_what_they_are(tmp_path, column, words):
    path = write(tmp_path / "v.parquet", column)
    with pytest.raises(InputError) as error:
        read(tmp_path, corpus=path)
    message = str(error.value)
    assert message.startswith(f"{path}: column 'embedding' is ")
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_several_vectors_of_one_id_are_named(tmp_path):
    column = [[row] for row in VECTORS.tolist()]
    column[2] = [column[2][0], column[3][0]]
    path = write(tmp_path / "v.parquet", pa.array(column, pa.list_(pa.list_(pa.float32()))))
    with pytest.raises(InputError, match="vector of id 'd2': expected 1 vectors, got 2 vectors"):
        read(tmp_path, corpus=path)


def test_a_row_without_a_vector_is_named(tmp_path):
    column = [[row] for row in VECTORS.tolist()]
    column[0], column[4] = [None], None
    for row, rows in (("d0", [0, 1]), ("d4", [4, 5])):
        path = write(tmp_path / "v.parquet", pa.array(column, pa.list_(pa.list_(pa.float32()))))
        with pytest.raises(InputError, match=f"vector of id '{row}': .*got no vector"):
            read(tmp_path, [IDS[row] for row in rows], corpus=path)


def bfloat16(vectors):
    """Return the upper halves of float32, which is what bfloat16 is, in the type that NumPy loads them as."""
    return (vectors.view(np.uint32) >> 16).astype(np.uint16).view("V2")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (bfloat16(VECTORS), ["|V2", "bfloat16", "astype(np.float32)"]),
        (VECTORS.astype(np.int8), ["int8", "float vectors", "times its scale"]),
        (np.packbits(VECTORS > 0, axis=1), ["uint8", "np.unpackbits"]),
        (VECTORS > 0, ["bool", "np.unpackbits"]),
        (VECTORS.astype(str), ["expected floating-point numbers"]),
        (VECTORS.reshape(3, 2, 4), ["shape (3, 2, 4)", "(vectors, dim)"]),
    ],
    ids=["bfloat16", "int8", "bits", "bool", "text", "tokens"],
)
def test_other_npy_files_are_refused_by_what_they_hold(tmp_path, array, words):
    np.save(tmp_path / "v.npy", array)
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    with pytest.raises(InputError) as error:
        read(tmp_path, corpus=str(tmp_path / "v.npy"), ids=str(tmp_path / "ids.txt"))
    assert str(error.value).startswith(f"{tmp_path / 'v.npy'}: holds ")
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize("name", ["v.npy", "v.npz", "v.NPY"])
def test_an_archive_is_refused_whatever_its_name(tmp_path, name):
    np.savez(tmp_path / "written.npz", vectors=VECTORS, ids=np.array(IDS))
    (tmp_path / "written.npz").rename(tmp_path / name)
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    with pytest.raises(InputError, match=rf"{name}: an archive \(\.npz\) of vectors, ids; .*np\.save"):
        read(tmp_path, corpus=str(tmp_path / name), ids=str(tmp_path / "ids.txt"))


def test_a_file_of_neither_format_says_what_is_expected(tmp_path):
    path = tmp_path / "v.csv"
    path.write_text("id,embedding\n")
    with pytest.raises(InputError, match=r"v\.csv: neither a Parquet nor a \.npy file"):
        read(tmp_path, corpus=str(path), ids=str(path))


@pytest.mark.parametrize("name", ["v.PARQUET", "v.parquet.gzip", "v"])
def test_a_format_is_known_by_the_first_bytes(tmp_path, name):
    path = write(tmp_path / name, pa.array(list(VECTORS), FLAT))
    assert np.array_equal(read(tmp_path, corpus=path), VECTORS)


def test_one_vector_a_row_in_a_npy_file_of_three_axes(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS[:, np.newaxis])
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    found = read(tmp_path, corpus=str(tmp_path / "v.npy"), ids=str(tmp_path / "ids.txt"))
    assert np.array_equal(found, VECTORS)


def write_shards(folder, count=12):
    """Write ``count`` files of one vector each, numbered without leading zeros."""
    vectors = np.arange(1.0, 4 * count + 1, dtype=np.float32).reshape(count, 4)
    for row in range(count):
        write(folder / f"part-{row}.parquet", pa.array([vectors[row]], FLAT), [f"d{row}"])
        np.save(folder / f"part-{row}.npy", vectors[row : row + 1])
    (folder / "ids.txt").write_text("".join(f"d{row}\n" for row in range(count)))
    (folder / "_SUCCESS").touch()
    return vectors, [f"d{row}" for row in range(count)]


def test_a_folder_a_glob_and_a_list_mean_their_files(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    vectors, ids = write_shards(folder)
    glob = f"{tmp_path}/{{dataset}}/part-*.parquet"
    assert np.array_equal(read(tmp_path, ids, corpus=glob), vectors)
    assert np.array_equal(
        read(tmp_path, ids, corpus=[f"{folder}/part-?.parquet", f"{folder}/part-1?.parquet"]), vectors
    )
    # ids of .npy files lie in the order of the numbers in the names: 2 before 10
    assert np.array_equal(read(tmp_path, ids, corpus=f"{folder}/*.npy", ids=f"{folder}/ids.txt"), vectors)
    for path in folder.glob("*.npy"):
        path.unlink()
    assert np.array_equal(read(tmp_path, ids, corpus=str(folder)), vectors)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.parquet", "none.parquet: no such file; the model's corpus names it"),
        ("none-*.parquet", "none-*.parquet: no file matches; the model's corpus names it"),
        ("texts", "texts: no file in this folder ends in .parquet or .npy"),
        ("texts", "it has a.txt, b.txt"),
        (["v.parquet", "none.parquet"], "none.parquet: no such file"),
    ],
)
def test_names_without_files_are_named(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    for text in ("b.txt", "a.txt"):
        (tmp_path / "texts" / text).touch()
    write(tmp_path / "v.parquet", pa.array(list(VECTORS), FLAT))
    with pytest.raises(InputError) as error:
        read(tmp_path, corpus=name)
    assert message in str(error.value)


def test_shards_of_unequal_width_name_the_shard(tmp_path):
    write(tmp_path / "a.parquet", pa.array(list(VECTORS[:3]), FLAT), IDS[:3])
    write(tmp_path / "b.parquet", pa.array([[1.0] * 5] * 3, pa.list_(pa.float32(), 5)), IDS[3:])
    with pytest.raises(InputError, match=r"b\.parquet: holds vectors of 5 dimensions, expected 4 as in .*a\.parquet"):
        read(tmp_path, corpus=f"{tmp_path}/?.parquet")


def test_a_bad_vector_is_named_with_its_shard(tmp_path):
    write(tmp_path / "a.parquet", pa.array(list(VECTORS[:3]), pa.list_(pa.float32())), IDS[:3])
    write(tmp_path / "b.parquet", pa.array([[1.0] * 4, [1.0] * 4, [1.0] * 5], pa.list_(pa.float32())), IDS[3:])
    with pytest.raises(InputError, match=r"b\.parquet: vector of id 'd5': expected 4 dimensions, got 5 dimensions"):
        read(tmp_path, corpus=f"{tmp_path}/?.parquet")


UUIDS = [uuid.UUID(int=7 << 100 | row) for row in range(6)]


@pytest.mark.parametrize("kind", [pa.binary(16), pa.uuid()], ids=str)
def test_uuids_are_read_as_text(tmp_path, kind):
    stored = pa.array([one.bytes for one in UUIDS], pa.binary(16))
    ids = stored if kind == pa.binary(16) else pa.ExtensionArray.from_storage(kind, stored)
    path = write(tmp_path / "v.parquet", pa.array(list(VECTORS), FLAT), ids)
    assert np.array_equal(read(tmp_path, [str(one) for one in UUIDS], corpus=path), VECTORS)


@pytest.mark.parametrize(
    ("before", "line_end", "after"),
    [("\ufeff", "\n", "\n"), ("", "\r\n", "\r\n"), ("", "\r", ""), ("\ufeff", "\r", "\r"), ("", "\n", "\n\n\n")],
)
@pytest.mark.parametrize("name", ["ids.txt", "ids.csv"])
def test_marks_and_line_ends_of_an_id_file_do_no_harm(tmp_path, before, line_end, after, name):
    np.save(tmp_path / "v.npy", VECTORS)
    lines = IDS if name == "ids.txt" else ["id", *IDS]
    (tmp_path / name).write_bytes((before + line_end.join(lines) + after).encode())
    found = read(tmp_path, corpus=str(tmp_path / "v.npy"), ids=str(tmp_path / name))
    assert np.array_equal(found, VECTORS)


def test_mistakes_among_ids_name_the_file_of_ids(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS)
    wrong = {
        "d0\nd0\nd2\nd3\nd4\nd5\n": "ids.txt: id 'd0' occurs more than once",
        "d0\nd1\n": "ids.txt: 2 ids, but 6 vectors in ",
        "D0\nd1\nd2\nd3\nd4\nd5\n": "ids.txt: no vector for id 'd0' of ",
    }
    for text, message in wrong.items():
        (tmp_path / "ids.txt").write_text(text)
        with pytest.raises(InputError) as error:
            read(tmp_path, corpus=str(tmp_path / "v.npy"), ids=str(tmp_path / "ids.txt"))
        assert message in str(error.value)
        assert "0 more" not in str(error.value)


def test_ids_of_bytes_in_a_npy_file_are_utf8(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS)
    names = [f"ü{row}" for row in range(6)]
    np.save(tmp_path / "ids.npy", np.array([name.encode() for name in names]))
    assert np.array_equal(read(tmp_path, names, corpus=str(tmp_path / "v.npy"), ids=str(tmp_path / "ids.npy")), VECTORS)
    np.save(tmp_path / "ids.npy", np.array([b"\xff"] * 6))
    with pytest.raises(InputError, match=r"ids\.npy: an id isn't valid Unicode"):
        read(tmp_path, names, corpus=str(tmp_path / "v.npy"), ids=str(tmp_path / "ids.npy"))
