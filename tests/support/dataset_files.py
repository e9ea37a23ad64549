"""Writes small collections in every format, and reads back what was prepared from them."""

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.errors import InputError
from embquant.steps.prepare_dataset import prepare_dataset

CORPUS = [
    {"_id": "d1", "title": "Zip", "text": "read an archive"},
    {"_id": "d2", "title": "", "text": 'sort a "list"\tof words,\nquickly'},
    {"_id": "d3", "title": "", "text": ""},
    {"_id": "d4", "title": "", "text": "Zip read an archive"},
    {"_id": "d5", "title": "Größe", "text": "日本語 text"},
]
QUERIES = [{"_id": "q1", "text": "archives"}, {"_id": "q2", "text": "sorting"}, {"_id": "q3", "text": "nobody knows"}]
QRELS = [
    {"query-id": "q1", "corpus-id": "d1", "score": 2},
    {"query-id": "q2", "corpus-id": "d2", "score": 1},
    {"query-id": "q3", "corpus-id": "d2", "score": 0},
    {"query-id": "q1", "corpus-id": "d4", "score": 1},
]
TEXTS = ["Zip read an archive", 'sort a "list"\tof words,\nquickly', "", "Zip read an archive", "Größe 日本語 text"]


def write_table(path: Path, rows: list[dict]) -> Path:
    """Write ``rows`` in the format that the name of ``path`` says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8", newline="") as handle:
        if ".jsonl" in path.name:
            handle.writelines(json.dumps(row) + "\n" for row in rows)
        else:
            writer = csv.DictWriter(handle, list(rows[0]), delimiter="\t" if ".tsv" in path.name else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


def write_beir(folder: Path, corpus=CORPUS, queries=QUERIES, qrels=QRELS) -> Path:
    """Write a collection in BEIR's layout; what is None is left out."""
    write_table(folder / "corpus.jsonl", corpus)
    if queries is not None:
        write_table(folder / "queries.jsonl", queries)
    if qrels is not None:
        write_table(folder / "qrels" / "test.tsv", qrels)
    return folder


def prepare(output: Path, spec: dict, pool=()) -> dict:
    """Prepare a dataset called as its folder; return what dataset.json says."""
    return prepare_dataset(name=output.name, entry=spec, pool=pool, output=output)


def rows(output: Path, name: str) -> list[dict]:
    """Return the rows of a table that was written."""
    return pq.read_table(output / f"{name}.parquet").to_pylist()


def column(output: Path, name: str, field: str) -> list:
    """Return a column of a table that was written."""
    return [row[field] for row in rows(output, name)]


def files(folder, **more):
    return {"source": "files", "path": str(folder), **more}


def fails(tmp_path, spec) -> str:
    """The message of the error; nothing may be written."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError) as caught:
        prepare(tmp_path / "out", spec)
    assert sorted(tmp_path.rglob("*")) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)
