"""Matrices in Arrow's arrays: every row comes back, wherever an array was cut; Arrow's own functions judge."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from embquant.files.matrices import array_to_matrix, flat_values, matrix_to_array

ROWS = [[1.0, 2.0], [3.0, None], [5.0, 6.0], [7.0, 8.0]]
READING = """
import sys
from pathlib import Path
import numpy as np
from embquant.files.matrices import matrix_to_array
from embquant.files.parquet import read_matrices, spare_pandas, write_parquet
from embquant.retrieve.candidates import Candidates, as_table, write_candidates
import pyarrow as pa
spare_pandas()
folder = Path(sys.argv[1])
vectors = pa.table({"embedding": matrix_to_array(np.ones((3, 4), np.float32))})
write_parquet(folder / "vectors.parquet", vectors.schema, [vectors])
found = as_table(np.ones((3, 2)), np.arange(6).reshape(3, 2))
write_candidates(folder / "candidates.parquet", [found], {"depths": [2], "method": "float32"})
print(*(matrix.shape for matrix in read_matrices([folder / "vectors.parquet"], "embedding")))
print(*(matrix.shape for matrix in Candidates(folder / "candidates.parquet").read(0)))
print("pyarrow.compute" in sys.modules)
"""


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.list_(pa.float64(), 2)], ids=["lists", "of one size"])
@pytest.mark.parametrize(("first", "count"), [(0, 4), (1, 2), (3, 1), (2, 0), (4, 0)])
def test_values_of_lists_are_those_that_arrow_flattens_them_to(kind, first, count):
    lists = pa.array(ROWS, kind).slice(first, count)
    assert flat_values(lists).to_pylist() == lists.flatten().to_pylist()
    assert flat_values(lists).null_count == (first <= 1 < first + count)


def test_an_array_without_lists_has_no_values():
    assert len(flat_values(pa.array([], pa.list_(pa.int64())))) == 0
    assert len(flat_values(pa.chunked_array([], pa.list_(pa.int64())).combine_chunks())) == 0


@pytest.mark.parametrize(("first", "last"), [(0, 5), (2, 4), (5, 5)])
def test_a_matrix_comes_back_from_a_piece_of_its_array(first, last):
    matrix = np.arange(15, dtype=np.float32).reshape(5, 3)
    np.testing.assert_array_equal(array_to_matrix(matrix_to_array(matrix)[first:last]), matrix[first:last])
    codes = pa.array([bytes(row) for row in matrix], pa.binary(12))[first:last]
    np.testing.assert_array_equal(array_to_matrix(codes).view(np.float32), matrix[first:last])


def test_reading_vectors_and_candidates_imports_none_of_arrow_s_functions(tmp_path):
    words = [sys.executable, "-c", READING, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "(3, 4)\n(3, 2) (3, 2)\nFalse\n"
