"""Some rows of a Parquet file, of which no more is read than the row groups they are in."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.datasets.corpus import shown_documents
from embquant.errors import InputError
from embquant.files.parquet import take_rows, write_parquet


@pytest.fixture
def path(tmp_path):
    """A file of three row groups."""
    table = pa.table({"number": np.arange(10), "text": [f"text {row}" * 50 for row in range(10)]})
    write_parquet(tmp_path / "table.parquet", table.schema, table.to_batches(max_chunksize=4))
    return tmp_path / "table.parquet"


def damage(path, group):
    """Overwrite the pages of a row group."""
    column = pq.ParquetFile(path).metadata.row_group(group).column(0)
    content = bytearray(path.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    content[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(content)


@pytest.mark.parametrize("rows", [[9, 0, 4, 3, 8, 4], [5], []])
def test_rows_come_in_the_order_asked_for(path, rows):
    taken = take_rows(path, ["text", "number"], np.array(rows, dtype=np.int64))
    assert taken.column_names == ["text", "number"]
    assert taken["number"].to_pylist() == rows
    assert taken["text"].to_pylist() == [f"text {row}" * 50 for row in rows]


def test_other_row_groups_are_not_read(path):
    damage(path, 1)
    assert take_rows(path, ["number"], np.array([8, 1]))["number"].to_pylist() == [8, 1]
    with pytest.raises(InputError, match=r"table\.parquet: damaged Parquet file"):
        take_rows(path, ["number"], np.array([4]))


def test_a_document_is_shown_as_its_dataset_says_and_shortened(tmp_path):
    corpus = pa.table({"id": ["a", "b"], "text": ["embedded", "x" * 301], "display": ["shown", None]})
    write_parquet(tmp_path / "corpus.parquet", corpus.schema, [corpus])
    shown = list(shown_documents(tmp_path / "corpus.parquet", np.array([1, 0])))
    assert shown == [("b", "x" * 300 + " …"), ("a", "shown")]
