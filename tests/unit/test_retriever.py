"""A method as it is deployed: opened by paths or their text; what can't be answered is refused in a line."""

import numpy as np
import pytest

from embquant import Retriever
from embquant.errors import InputError
from embquant.indexes.manifest import Encoded
from embquant.steps.build_store import corpus_sample, store_codes
from embquant.steps.define_method import define_method
from support.codec_cases import case, unit_vectors
from support.embeddings import write_vectors


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with an int8 store of 40 vectors of 32 dimensions, and with the method that scans it."""
    folder = tmp_path_factory.mktemp("built")
    case("int8").save(folder / "state.npz")
    write_vectors(folder / "part.parquet", unit_vectors(40))
    store_codes(corpus_sample([folder / "part.parquet"]), folder / "int8.i8bin", Encoded(folder / "state.npz"))
    manifest, method = folder / "int8.i8bin.json", folder / "method.json"
    define_method(name="int8", manifest=manifest, scoring="asymmetric", output=method)
    return folder


def test_the_text_of_paths_opens_what_paths_do(built):
    queries = unit_vectors(3, seed=1)
    paths = built / "method.json", built / "int8.i8bin.json"
    scores, rows = Retriever.open(*paths).search(queries, 5, 2)
    again = Retriever.open(*map(str, paths)).search(queries, 5, 2)
    np.testing.assert_array_equal(again, (scores, rows))


@pytest.mark.parametrize(
    ("queries", "numbers", "message"),
    [
        (np.ones((2, 31), np.float32), (5, 1), "queries: 31 dimensions, expected 32, as documents have"),
        (np.ones(31, np.float32), (5, 1), "queries: 31 dimensions, expected 32"),
        (np.ones((2, 32), np.float32), (0, 1), "top_k is 0 and multiplier 1, expected 1 or more"),
        (np.ones((2, 32), np.float32), (5, 0), "top_k is 5 and multiplier 0, expected 1 or more"),
    ],
)
def test_what_cannot_be_answered_is_refused(built, queries, numbers, message):
    with pytest.raises(InputError, match=message):
        Retriever.open(built / "method.json").search(queries, *numbers)
