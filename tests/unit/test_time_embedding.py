"""What the timing of an embedding makes of its seconds, and when it ends; by a clock that only the encoder advances."""

import json

import numpy as np
import pyarrow as pa
import pytest

from embquant.files.atomic import read_json
from embquant.files.parquet import write_parquet
from embquant.steps import time_embedding as step


class Encoder:
    """Stands for the module ``time`` and for the encoder: queries take 2 ms in turn with 2.02 ms, documents 10 ms.

    Other ``seconds`` of queries, and those of a ``document`` in each batch, repeat.
    """

    dim = 4

    def __init__(self, *seconds, document=(0.01,)):
        self.now, self.queries, self.batches = 0.0, [], []
        self.seconds, self.document = seconds or (0.002, 0.00202), document

    def perf_counter(self):
        return self.now

    def encode_queries(self, texts):
        self.now += self.seconds[len(self.queries) % len(self.seconds)]
        self.queries += texts

    def encode_documents(self, texts):
        self.now += self.document[len(self.batches) % len(self.document)] * len(texts)
        self.batches.append(len(texts))


@pytest.fixture
def timed(tmp_path, monkeypatch):
    """Return a function that times an encoder with 30 queries and 100 documents, and returns the figures."""

    def run(encoder, **effort):
        monkeypatch.setattr(step, "time", encoder)
        monkeypatch.setattr(step, "load_encoder", lambda *_: encoder)
        for name, count in (("queries", 30), ("corpus", 100)):
            table = pa.table({"text": [f"{name} {row}" for row in range(count)]})
            write_parquet(tmp_path / f"{name}.parquet", table.schema, [table])
        (tmp_path / "model.json").write_text(json.dumps({"backend": "openvino", "device": "cpu"}))
        files = {name: tmp_path / f"{name}.parquet" for name in ("queries", "corpus")}
        step.time_embedding(**files, model=tmp_path / "model.json", threads=2, output=tmp_path / "out.json", **effort)
        return read_json(tmp_path / "out.json")

    return run


def test_figures_are_of_single_queries_and_of_documents_in_a_batch(timed):
    encoder = Encoder()
    figures = timed(encoder)
    assert figures["query_latency_p50_ms"] == pytest.approx(2.01)
    assert figures["documents_per_second"] == pytest.approx(100)
    intervals = [
        f"{name}_{end}" for name in ("query_latency_p50_ms", "documents_per_second") for end in ("low", "high")
    ]
    assert [figures[name] for name in intervals] == pytest.approx([2.01, 2.01, 100, 100])
    assert encoder.batches == [64] * 6  # the medians are known after the least number of rounds
    assert len(encoder.queries) == 3 + 6 * 20
    assert set(encoder.queries) == {f"queries {row}" for row in range(30)}


def test_a_spread_latency_takes_more_rounds_until_the_seconds_are_spent(timed):
    encoder = Encoder(0.001, 0.003)
    np.testing.assert_allclose(timed(encoder, rounds=2, seconds=2.6)["query_latency_p50_ms"], 2)
    assert len(encoder.batches) == 4  # 0.68 s each, of which documents take 0.64


def test_a_spread_batch_takes_more_rounds_too(timed):
    encoder = Encoder(0.002, document=(0.01, 0.012))
    timed(encoder, seconds=1e9)
    assert len(encoder.batches) == 30  # five times the least number


def test_percentiles_are_those_of_all_queries(timed):
    """Of 120 queries 108 take 2 ms, six 4 and six 8 ms; 95 % of 119 steps are 113.05: between the last 4 and an 8."""
    figures = timed(Encoder(*[0.002] * 3, *[*[0.002] * 18, 0.004, 0.008] * 6))
    assert figures["query_latency_p95_ms"] == pytest.approx(4.2)
    assert figures["query_latency_p99_ms"] == pytest.approx(8)


def test_a_round_is_one_value_however_many_queries_it_has(timed):
    """The least and the greatest of six rounds are 20 % off; of nine, the interval of the median leaves both out."""
    rounds = np.repeat([0.001, 0.0012, 0.001, 0.0008, *[0.001] * 27], 20)
    encoder = Encoder(*[0.001] * 3, *rounds)
    timed(encoder, seconds=1e9)
    assert len(encoder.batches) == 9
