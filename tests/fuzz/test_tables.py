"""Tables and vectors from anywhere: understood as their formats have them, or refused in one line."""

import bz2
import csv
import gzip
import io
import json
import lzma

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from support.mutations import fuzzed, mutations

DIM = 4
ids = (
    st.text(max_size=6) | st.integers(-9, 9).map(str) | st.sampled_from(["d0", "../x", "*", "a b", "<b>", "$(x)", "'"])
)
texts = st.text(max_size=12) | st.sampled_from(
    ["", " ", "a text", "\0", "=1+1", "`x`", '"', "\r", "\u2028", "</script>"]
)
odd = st.none() | st.integers(-(2**70), 2**70) | st.floats() | st.lists(st.integers(), max_size=2) | st.booleans()


def in_jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode("utf-8", "surrogatepass")


def in_delimited(delimiter):
    def written(rows):
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]) if rows else ["_id", "text"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode("utf-8", "surrogatepass")

    return written


def in_parquet(rows):
    columns = {key: [row[key] for row in rows] for key in (rows[0] if rows else ())}
    try:
        table = pa.table(columns)
    except (pa.ArrowException, OverflowError, UnicodeError):  # values of many types, which Parquet can't hold
        table = pa.table(
            {key: [str(value).encode("utf-8", "replace") for value in own] for key, own in columns.items()}
        )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


FORMATS = {".jsonl": in_jsonl, ".csv": in_delimited(","), ".tsv": in_delimited("\t"), ".parquet": in_parquet}
COMPRESSIONS = {
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".zst": lambda content: pa.compress(content, codec="zstd", asbytes=True),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def in_trec(rows):
    """Judgements as TREC has them."""
    lines = (" ".join(str(row[name]) for name in ("query-id", "corpus-id", "score")) + "\n" for row in rows)
    return "".join(lines).encode("utf-8", "surrogatepass")


@st.composite
def files(draw, rows):
    """Draw a table as suffix and bytes: in some format, perhaps compressed, perhaps damaged."""
    formats = {**FORMATS, ".txt": in_trec} if rows and "score" in rows[0] else FORMATS
    suffix = draw(st.sampled_from(sorted(formats)))
    content = formats[suffix](rows)
    if draw(st.integers(0, 3)) == 0:
        content = draw(mutations())(content)
    if suffix != ".parquet" and draw(st.integers(0, 3)) == 0:
        compression, compressed = draw(st.sampled_from(sorted(COMPRESSIONS.items())))
        suffix, content = f"{suffix}{compression}", compressed(content)
        if draw(st.integers(0, 3)) == 0:
            content = draw(mutations())(content)
    return suffix, content


def table_of(**columns):
    return st.lists(st.fixed_dictionaries(columns), max_size=6)


@st.composite
def collections(draw):
    """Draw a collection; most are such that they can be read."""
    cell = texts if draw(st.booleans()) else texts | odd
    corpus = draw(table_of(_id=ids, text=cell) | table_of(_id=ids | odd, title=cell, text=cell))
    known = [row["_id"] for row in corpus] or ["d0"]
    queries = draw(table_of(_id=ids, text=cell))
    asked = [row["_id"] for row in queries] or ["q0"]
    judged = {
        "query-id": st.sampled_from(asked),
        "corpus-id": st.sampled_from(known),
        "score": st.integers(-1, 3) | odd,
    }
    tables = {"corpus": corpus, "queries": queries, "qrels": draw(table_of(**judged))}
    return {name: draw(files(rows)) for name, rows in tables.items() if name != "qrels" or draw(st.booleans())}


@fuzzed
@given(written=collections())
def test_collections(embquant, tmp_path, written):
    folder = tmp_path / "input"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, (suffix, content) in written.items():
        (folder / f"{name}{suffix}").write_bytes(content)
    output = tmp_path / "dataset"
    spec = json.dumps({"source": "files", "path": str(folder)})
    if embquant("prepare-dataset", "--name", "x", "--entry", spec, "--output", output).status:
        return
    corpus = pq.read_table(output / "corpus.parquet")
    assert (
        len(set(corpus["id"].to_pylist()))
        == len(corpus)
        == json.loads((output / "dataset.json").read_text())["counts"]["documents"]
    )
    suffix, content = written["corpus"]
    if suffix == ".jsonl":  # by hand
        rows = [json.loads(line) for line in content.decode("utf-8-sig").split("\n") if line.strip()]
        assert corpus["id"].to_pylist() == [str(row["_id"]) for row in rows if "_id" in row] or "_id" not in rows[0]


npy = st.sampled_from(["<f4", ">f8", "<f2", "<i4", "<U3", "|S2", "|O", "<c8", "|b1"])


@fuzzed
@given(
    kind=npy,
    shape=st.sampled_from([(3, DIM), (3, 0), (3,), (), (2, DIM), (3, 2, 2)]),
    parquet=st.booleans(),
    id_suffix=st.sampled_from([".txt", ".npy", ".csv", ".parquet"]),
    mutate=st.none() | mutations(),
    mutate_ids=st.none() | mutations(),
    value=st.sampled_from([1.0, 0.0, np.nan, np.inf, 1e300]),
)
def test_vectors_from_elsewhere(embquant, tmp_path, kind, shape, parquet, id_suffix, mutate, mutate_ids, value):
    """Three documents, of which each needs a vector."""
    corpus = pa.table(
        {"id": ["a", "b", "c"], "text": ["x", "y", "z"], "display": pa.nulls(3, pa.string()), "first_row": [0, 1, 2]}
    )
    pq.write_table(corpus, tmp_path / "corpus.parquet")
    with np.errstate(all="ignore"):
        array = np.full(shape, value).astype(kind)
    vectors = tmp_path / ("vectors.parquet" if parquet else "vectors.npy")
    if parquet:
        pq.write_table(pa.table({"id": ["c", "a", "b"], "embedding": [[value] * DIM] * 3}), vectors)
    else:
        np.save(vectors, array, allow_pickle=True)
    vectors.write_bytes(mutate(vectors.read_bytes()) if mutate else vectors.read_bytes())
    named = tmp_path / f"ids{id_suffix}"
    match id_suffix:
        case ".npy":
            np.save(named, np.array(["a", "b", "c"]))
        case ".parquet":
            pq.write_table(pa.table({"id": ["a", "b", "c"]}), named)
        case _:
            named.write_text("a\nb\nc\n" if id_suffix == ".txt" else "id\na\nb\nc\n")
    named.write_bytes(mutate_ids(named.read_bytes()) if mutate_ids else named.read_bytes())
    spec = {"type": "precomputed", "corpus": str(vectors), **({} if parquet else {"ids": str(named)})}
    described = ["--name", "given", "--entry", json.dumps(spec), "--output", tmp_path / "model"]
    if embquant("prepare-model", *described).status:
        return
    asked = [
        "--corpus",
        tmp_path / "corpus.parquet",
        "--model",
        tmp_path / "model" / "model.json",
        "--part",
        0,
        "--parts",
        1,
    ]
    if embquant("embed-corpus", *asked, "--output", tmp_path / "embedded.parquet").status == 0:
        found = np.stack(pq.read_table(tmp_path / "embedded.parquet")["embedding"].to_numpy())
        assert len(found) == 3
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
