"""Matrices in Arrow: arrays of lists of one size, and what becomes of them."""

import numpy as np
import pyarrow as pa


def embedding_schema(dim: int) -> pa.Schema:
    """Return the schema of an embeddings file: id, embedding (float32[dim])."""
    return pa.schema([("id", pa.string()), ("embedding", pa.list_(pa.float32(), dim))])


def matrix_to_array(matrix: np.ndarray) -> pa.FixedSizeListArray:
    """Turn a (rows, width) matrix into an Arrow array of fixed-size lists, without copying contiguous data."""
    values = pa.array(np.ascontiguousarray(matrix).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, matrix.shape[1])


def array_to_matrix(array: pa.Array) -> np.ndarray:
    """Turn an Arrow array of fixed-size lists or fixed-size binaries into a (rows, width) matrix."""
    if pa.types.is_fixed_size_binary(array.type):
        width = array.type.byte_width
        values = np.frombuffer(array.buffers()[1], dtype=np.uint8)
        return values[array.offset * width : (array.offset + len(array)) * width].reshape(-1, width)
    return flat_values(array).to_numpy(zero_copy_only=True).reshape(len(array), array.type.list_size)


def flat_values(lists: pa.Array) -> pa.Array:
    """Return all values of an Arrow array of lists, none of which is null.

    ``flatten`` does the same, but imports every function that Arrow computes with: as long as NumPy takes.
    """
    if pa.types.is_fixed_size_list(lists.type):
        size = lists.type.list_size
        return lists.values.slice(lists.offset * size, len(lists) * size)
    offsets = lists.offsets
    return lists.values.slice(offsets[0].as_py(), offsets[-1].as_py() - offsets[0].as_py())
