"""What is asked for in advance covers what will be read, in whole pages."""

import mmap

import numpy as np
import pytest

from embquant.exact import mapped


@pytest.fixture
def asked(monkeypatch):
    calls = []
    monkeypatch.setattr(mapped._libc, "madvise", lambda start, length, advice: calls.append((start, length, advice)))
    monkeypatch.setattr(mapped, "in_memory", lambda *addresses: False)
    return calls


@pytest.fixture
def array(tmp_path):
    rows = np.random.default_rng(0).random((3000, 7), dtype=np.float32)
    rows.tofile(tmp_path / "rows")
    return np.memmap(tmp_path / "rows", np.float32, "r", offset=28, shape=(2999, 7))  # rows straddle pages


def covered(array, asked):
    """Return the rows of which every byte was asked for."""
    pages = set()
    for start, length, advice in asked:
        assert start % mmap.PAGESIZE == 0
        assert advice == mmap.MADV_WILLNEED
        pages |= set(range(start // mmap.PAGESIZE, -(-(start + length) // mmap.PAGESIZE)))
    starts = array.ctypes.data + np.arange(len(array)) * array.strides[0]
    ends = starts + array.strides[0] - 1
    return [row for row in range(len(array)) if {starts[row] // mmap.PAGESIZE, ends[row] // mmap.PAGESIZE} <= pages]


def test_a_stretch_of_rows(array, asked):
    mapped.read_ahead(array, 100, 200)
    assert set(range(100, 200)) <= set(covered(array, asked))
    assert len(covered(array, asked)) < 100 + 2 * mmap.PAGESIZE / 28
    assert len(asked) == 1


def test_rows_here_and_there_and_none(array, asked):
    mapped.read_rows_ahead(array, np.array([[5, -1], [2998, 1234]]))
    assert {5, 1234, 2998} <= set(covered(array, asked))
    assert len(asked) == 3


def test_nothing_beyond_the_end(array, asked):
    mapped.read_ahead(array, 2990, 5000)
    mapped.read_ahead(array, 5000, 9000)
    [(start, length, _)] = asked
    assert start + length == array.ctypes.data + array.nbytes


def test_what_is_in_memory_is_not_asked_for(array, monkeypatch):
    calls = []
    monkeypatch.setattr(mapped._libc, "madvise", lambda *call: calls.append(call))
    array.sum()
    mapped.read_rows_ahead(array, np.arange(len(array)))
    assert mapped.in_memory(array.ctypes.data)
    assert calls == []


def test_it_is_only_asked_for(array):
    before = array.copy()
    mapped.read_ahead(array, 0, len(array))
    mapped.read_rows_ahead(array, np.arange(len(array)))
    np.testing.assert_array_equal(array, before)
    mapped.read_rows_ahead(np.ones((10, 3)), np.array([3]))  # memory that no file lies behind


@pytest.mark.parametrize("offset", [0, 1], ids=["aligned", "unaligned"])
def test_rows_are_looked_up_wherever_the_array_begins(offset):
    expected = np.arange(300, dtype=np.float32).reshape(100, 3)
    raw = np.frombuffer(b"\0" * offset + expected.tobytes(), np.uint8)
    array = np.ndarray(expected.shape, np.float32, raw, offset)
    assert array.flags.aligned == (offset == 0)
    rows = np.array([[7, 7], [99, -1]])
    np.testing.assert_array_equal(mapped.look_up(array, rows), expected[rows])
