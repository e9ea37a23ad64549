"""How fast a model embeds, from a sample: a clock that only the encoder advances, one millisecond a token."""

import numpy as np
import pyarrow as pa
import pytest

from embquant.embedding import rate as embedding
from embquant.embedding.rate import GROUP, PLACES, SAMPLE, measure_rate
from embquant.files.parquet import write_parquet

LENGTHS = np.arange(1, 51)


class Encoder:
    """Stands for the module ``time`` and for the encoder; a token is a word, and a vector has the text's number."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def perf_counter(self):
        return self.now

    def document_tokens(self, texts):
        return np.array([len(text.split()) for text in texts])

    def encode_documents(self, texts):
        self.calls.append(texts)
        self.now += 0.001 * int(self.document_tokens(texts).sum())
        return np.array([[int(text.split()[0])] for text in texts], np.float32)


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Return a function that measures an encoder on texts of 1 to 50 words in turn, and queries of four words."""

    def measure(encoder, documents, **seconds):
        monkeypatch.setattr(embedding, "time", encoder)
        texts = [" ".join([str(row)] * LENGTHS[row % 50]) for row in range(documents)]
        for name, column in (("corpus", texts), ("queries", ["what is a query"] * 30)):
            table = pa.table({"text": column})
            write_parquet(tmp_path / f"{name}.parquet", table.schema, [table])
        return measure_rate(encoder, tmp_path / "corpus.parquet", tmp_path / "queries.parquet", **seconds)

    return measure


def test_the_rate_is_that_of_texts_of_mean_length_and_queries_have_their_own(measured):
    """25.5 words of 1 ms each."""
    rate, vectors = measured(Encoder(), 500, seconds=1e9)
    assert rate.texts_per_second == pytest.approx(1 / 0.0255)
    assert (rate.tokens_per_text, rate.tokens_per_query) == (25.5, 4)
    assert rate.seconds(100, 0) == pytest.approx(2.55)
    assert rate.seconds(0, 100) == pytest.approx(0.4)
    assert sorted(vectors.ravel()) == list(range(500))  # each text once


def test_it_ends_when_the_seconds_are_over_and_what_sets_the_backend_up_is_not_timed(measured):
    encoder = Encoder()
    rate, vectors = measured(encoder, 500, seconds=1.0)
    started, *timed = (0.001 * encoder.document_tokens(texts).sum() for texts in encoder.calls)
    assert sum(timed[:-1]) <= 1 < sum(timed)
    assert started > 0
    assert len(vectors) == sum(map(len, encoder.calls[1:]))
    assert rate.texts_per_second == pytest.approx(1 / 0.0255)


def test_short_and_long_texts_come_mixed_each_beside_its_like(measured):
    encoder = Encoder()
    measured(encoder, 500, seconds=1e9)
    lengths = [encoder.document_tokens(texts) for texts in encoder.calls[1:]]
    assert all(len(group) <= GROUP and group.max() - group.min() <= 2 for group in lengths)
    means = [group.mean() for group in lengths]
    assert means not in (sorted(means), sorted(means, reverse=True))


def test_of_a_large_corpus_some_texts_of_places_all_over_it_are_taken(measured):
    documents = 5 * SAMPLE
    _, vectors = measured(Encoder(), documents, seconds=1e9)
    rows = np.sort(vectors.ravel().astype(int))
    assert len(rows) == len(set(rows)) == SAMPLE
    assert (rows[0], rows[-1]) == (0, documents - 1)
    assert np.count_nonzero(np.diff(rows) > 1) == PLACES - 1
