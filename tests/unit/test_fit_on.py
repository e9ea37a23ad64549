"""What is fitted on some of the documents: which ones they are, and that nothing is learned from the others."""

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.errors import InapplicableError, InputError
from embquant.indexes import index_class
from embquant.quantize.batches import ROWS_AT_ONCE, Batches
from embquant.quantize.codecs import parse_codec
from embquant.quantize.fit_on import FitOn
from embquant.steps.build_store import seen_documents
from support.codec_cases import CASES, sample, unit_vectors


def some_rows(vectors):
    """Return which documents are seen, and the vectors in uneven batches."""
    seen = FitOn(share=0.55, by="random").seen(len(vectors))
    return seen, [vectors[:7], vectors[7:300], vectors[300:]]


ALONE = {f"float32-{kind}": {"family": "float32", "transform": kind} for kind in ("rotation", "hadamard")}


@pytest.mark.parametrize("name", CASES | ALONE)
def test_a_codec_is_that_of_a_corpus_of_the_seen_documents_alone(name):
    vectors = unit_vectors(600)
    seen, batches = some_rows(vectors)
    spec = parse_codec((CASES | ALONE)[name])
    drifted = spec.fit(Batches(lambda: iter(batches), len(vectors), vectors.shape[1], seen))
    alone = spec.fit(sample(vectors[seen]))
    assert same_bytes(drifted, alone)
    assert same_bytes(spec.fit(sample(vectors)), alone) == (not spec.learns)


def same_bytes(one, other):
    states = [{name: array.tobytes() for name, array in codec.state().items()} for codec in (one, other)]
    return states[0] == states[1]


@pytest.mark.parametrize("name", ["int8", "binary-mean", "pq-4-bits", "int8-pca"])
def test_where_all_documents_are_seen_a_codec_is_the_same(name):
    vectors, spec = unit_vectors(500), parse_codec(CASES[name])
    everything = Batches(lambda: iter([vectors]), 500, vectors.shape[1], np.ones(500, bool))
    assert same_bytes(spec.fit(everything), spec.fit(sample(vectors)))


def test_sums_over_seen_rows_do_not_depend_on_the_others():
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((3 * ROWS_AT_ONCE, 3)).astype(np.float32)
    seen = rng.random(len(matrix)) < 0.8
    batches = np.array_split(matrix, 11)
    chosen = list(Batches(lambda: iter(batches), len(matrix), 3, seen).sample)
    assert [len(batch) for batch in chosen[:-1]] == [ROWS_AT_ONCE] * (len(chosen) - 1)
    np.testing.assert_array_equal(np.concatenate(chosen), matrix[seen])


def test_lists_are_those_of_the_seen_documents_and_hold_all(tmp_path):
    vectors = unit_vectors(500)
    seen, batches = some_rows(vectors)
    codec = parse_codec(CASES["float32"]).fit(sample(vectors))
    kind = index_class("float32", "ivf")
    parameters = kind.build_parameters(lists=9)
    drifted = Batches(lambda: iter(batches), 500, vectors.shape[1], seen)
    found = []
    for name, codes in (("drifted", drifted), ("alone", sample(vectors[seen]))):
        kind.build(codec, codes, tmp_path / name, parameters)
        found.append(faiss.read_index(str(tmp_path / name)))
    centroids = [index.quantizer.reconstruct_n(0, 9) for index in found]
    assert centroids[0].tobytes() == centroids[1].tobytes()
    assert [index.ntotal for index in found] == [500, seen.sum()]


def test_documents_are_the_first_ones_or_drawn():
    assert FitOn(share=0.3).seen(10).tolist() == [True] * 3 + [False] * 7
    drawn = [FitOn(share=0.3, by="random", seed=seed).seen(1000) for seed in (0, 0, 1)]
    assert [seen.sum() for seen in drawn] == [300] * 3
    assert (drawn[0] == drawn[1]).all()
    assert 0 < (drawn[0] & drawn[2]).sum() < 300
    with pytest.raises(InapplicableError, match="the first 1 % of the documents: none of 20 to fit on"):
        FitOn(share=0.01).seen(20)


def test_documents_are_chosen_by_group(tmp_path):
    groups = pa.chunked_array([["2024-02", "2023-12", None], ["2023-12", "2024-01"]])
    assert FitOn(share=0.6, by="group").seen(5, groups).tolist() == [False, True, False, True, True]
    assert FitOn(share=0.4, by="group").seen(5, groups).tolist() == [False, True, False, True, False]
    values = FitOn(by="group", values=["2024-02", "2024-01"])
    assert values.seen(5, groups).tolist() == [True, False, False, False, True]
    with pytest.raises(InapplicableError, match="the documents of en: none of 5"):
        FitOn(by="group", values=["en"]).seen(5, groups)
    corpus = tmp_path / "corpus.parquet"
    pq.write_table(pa.table({"id": list("abcde"), "group": groups}), corpus)
    entry = {"by": "group", "values": ["2023-12"]}
    assert seen_documents(entry, 5, corpus).tolist() == [False, True, False, True, False]
    pq.write_table(pa.table({"id": list("abcde")}), corpus)
    with pytest.raises(InputError, match="no groups for fit_on: name the column"):
        seen_documents(entry, 5, corpus)
