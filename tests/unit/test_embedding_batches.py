"""Batches by a token budget, and windows of distinct texts."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embquant.embedding.spec import TextModelSpec
from embquant.embedding.tokens import Tokenizer, batches
from embquant.embedding.weights import resolve_weights
from embquant.steps import embed_corpus as corpus
from support.embedding_files import write_corpus


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 500))
def test_batches_hold_every_row_once_within_the_budget(lengths, budget):
    found = [list(rows) for rows in batches(lengths, budget)]
    assert sorted(row for rows in found for row in rows) == list(range(len(lengths)))
    for rows in found:
        assert len(rows) == 1 or len(rows) * max(lengths[row] for row in rows) <= budget


def test_batches_go_from_long_to_short():
    assert [list(rows) for rows in batches([3, 9, 3, 1, 8], 9)] == [[1], [4], [0, 2, 3]]


def test_padding():
    tokenizer = Tokenizer(resolve_weights(TextModelSpec()).folder / "tokenizer.json", 4, pad_id=7, threads=1)
    ids, mask = tokenizer.pad(tokenizer(["zip", "", "read a zip archive"]))
    assert ids.tolist() == [[101, 14101, 102, 7], [101, 102, 7, 7], [101, 3191, 1037, 102]]
    assert mask.tolist() == [[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]]
    assert ids.dtype == mask.dtype == np.int64


@pytest.fixture
def table(tmp_path):
    return write_corpus(tmp_path / "corpus.parquet", ["a", "b", "a", "c", "b", "d", "e", "a"])


def test_windows_skip_repetitions_and_other_parts(table):
    [(ids, texts)] = corpus.distinct_texts(table, 1, 7)
    assert ids.to_pylist() == ["d1", "d3", "d5", "d6"]
    assert texts == ["b", "c", "d", "e"]
    assert list(corpus.distinct_texts(table, 7, 8)) == []


def test_windows_are_bounded_by_their_characters(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "WINDOW_CHARACTERS", 500)
    texts = [f"{row:04d}" for row in range(1000)]
    windows = list(corpus.distinct_texts(write_corpus(tmp_path / "long.parquet", texts), 0, 1000))
    assert [text for _, found in windows for text in found] == texts
    assert [len(found) for _, found in windows] == [256, 256, 256, 232]  # a batch that is read is not cut again


def test_the_library_of_tokens_is_told_its_threads_for_the_call_alone(monkeypatch, tmp_path):
    monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    told = []
    tokenizer = Tokenizer(resolve_weights(TextModelSpec()).folder / "tokenizer.json", 8, 0, threads=2)
    library = tokenizer._tokenizer

    class Listening:
        def encode_batch_fast(self, texts):
            told.append(os.environ["TOKENIZERS_PARALLELISM"])
            return library.encode_batch_fast(texts)

    tokenizer._tokenizer = Listening()
    tokenizer(["a", "b"])
    assert told == ["true"]
    assert "TOKENIZERS_PARALLELISM" not in os.environ
