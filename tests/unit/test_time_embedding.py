"""What the timing of an embedding makes of its seconds, and when it ends; by a clock that only the encoder advances."""

import json

import numpy as np
import pyarrow as pa
import pytest

from embquant.files.atomic import read_json
from embquant.files.parquet import write_parquet
from embquant.steps import time_embedding as step


class Encoder:
    """Stands for the module ``time`` and for the encoder: queries take 2 ms in turn with 2.02 ms, documents 10 ms."""

    dim = 4

    def __init__(self, *seconds):
        self.now, self.queries, self.batches = 0.0, [], []
        self.seconds = seconds or (0.002, 0.00202)

    def perf_counter(self):
        return self.now

    def encode_queries(self, texts):
        self.now += self.seconds[len(self.queries) % len(self.seconds)]
        self.queries += texts

    def encode_documents(self, texts):
        self.now += 0.01 * len(texts)
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
    np.testing.assert_allclose(timed(encoder, rounds=2, seconds=3.0)["query_latency_p50_ms"], 2)
    assert len(encoder.batches) == 5  # 0.68 s each


def test_a_round_is_one_value_however_many_queries_it_has(timed):
    """The least and the greatest of six rounds are 20 % off; of nine, the interval of the median leaves both out."""
    rounds = np.repeat([0.001, 0.0012, 0.001, 0.0008, *[0.001] * 27], 20)
    encoder = Encoder(*[0.001] * 3, *rounds)
    timed(encoder, seconds=1e9)
    assert len(encoder.batches) == 9
