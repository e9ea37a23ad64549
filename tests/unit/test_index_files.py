"""Files of indexes: the libraries themselves open them, and what is damaged or foreign is refused."""

import faiss
import numpy as np
import pytest
from usearch.index import Index as Graph
from usearch.io import load_matrix

from embquant.entries import NoParameters, read_entry
from embquant.errors import InputError
from embquant.indexes import index_class
from embquant.quantize.batches import Batches
from support.codec_cases import INDEXED, PQ, SCALED_PQ, fitted, unit_vectors
from support.index_cases import built, codec_of, opened

FLAT = [family for family, kind in INDEXED if kind == "flat"]
every_index = pytest.mark.parametrize(("family", "kind"), INDEXED)


def count_in_library(path, family):
    """Count the vectors in an index file with the library that it belongs to."""
    if path.suffix == ".usearch":
        return len(Graph.restore(str(path)))
    if path.suffix == ".i8bin":
        return len(load_matrix(str(path), view=True))
    if path.suffix == ".npy":
        return len(np.load(path))
    bits = family == "binary" and path.stem != "fastscan"
    return (faiss.read_index_binary if bits else faiss.read_index)(str(path)).ntotal


@every_index
def test_the_library_itself_opens_the_file(tmp_path, family, kind):
    _, _, path = built(tmp_path, family, kind, unit_vectors())
    assert count_in_library(path.rename(path.with_stem(kind)), family) == 600


@pytest.mark.parametrize("family", FLAT)
def test_a_flat_file_is_codes_and_a_small_header(tmp_path, family):
    """FAISS's quantizers lie in the header: ranges, a centre or centroids."""
    codec, codes, path = built(tmp_path, family, "flat", unit_vectors(5000))
    assert 0 < path.stat().st_size - codes.nbytes <= (64 if family in ("float32", "binary", "int8") else 40_000)
    for mapped in (False, True):
        index = opened(family, "flat", path, codec, mapped=mapped)  # whose memory its codes are
        np.testing.assert_array_equal(index.codes, codes)


@pytest.mark.parametrize("family", FLAT)
def test_a_store_reads_its_codes_once(tmp_path, family):
    """They are encoded while they are read, and the values clipped by that are counted."""
    codec = codec_of(family, "flat", 32)
    codes = codec.encode(unit_vectors())
    passes = []

    def batches():
        passes.append(len(codes))
        yield from (codes[:400], codes[400:])

    corpus = Batches(batches, len(codes), codes.shape[1])
    index_class(family, "flat").build(codec, corpus, tmp_path / "store", NoParameters())
    assert passes == [600]


@every_index
def test_missing_damaged_and_foreign_files_are_input_errors(tmp_path, family, kind):
    codec, _, path = built(tmp_path, family, kind, unit_vectors())
    wider = codec_of(family, kind, 48)
    if family == "scaled-pq":  # whose file knows the width of a code alone
        wider = fitted({**SCALED_PQ, "pieces": 8}, unit_vectors())
    with pytest.raises(InputError, match=r"expected|dimensions"):
        opened(family, kind, path, wider)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match="delete it and run again"):
        opened(family, kind, path, codec)
    path.write_bytes(b"something else altogether")
    with pytest.raises(InputError, match="delete it and run again"):
        opened(family, kind, path, codec)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        opened(family, kind, path, codec)


def test_another_kind_of_faiss_index_is_refused(tmp_path):
    path = tmp_path / "index.faiss"
    faiss.write_index(faiss.IndexFlatL2(32), str(path))
    with pytest.raises(InputError, match=r"holds a FAISS IndexFlat.* of 32 dimensions, expected a FAISS IndexFlatIP"):
        opened("float32", "flat", path, codec_of("float32", "flat"))


def test_unknown_index_is_an_input_error_that_names_the_nearest():
    with pytest.raises(InputError, match=r"no index 'hsnw' for binary codes; did you mean 'hnsw'\? \(valid: flat, fas"):
        index_class("binary", "hsnw")
    with pytest.raises(InputError, match=r"no index 'ivf' for int8 codes \(valid: flat, hnsw\)"):
        index_class("int8", "ivf")


@pytest.mark.parametrize(
    ("index", "step", "parameters", "message"),
    [
        (("float32", "ivf"), "build", {"lists": 0}, "build of ivf: lists is 0, expected 1 or more"),
        (("float32", "ivf"), "search", {"nprobe": 0}, "search of ivf: nprobe is 0, expected 1 or more"),
        (("int8", "hnsw"), "build", {"connectivity": 1}, "build of hnsw: connectivity is 1, expected 2 or more"),
        (
            ("binary", "hnsw"),
            "search",
            {"expansion_search": 0},
            "hnsw: expansion_search is 0, expected 1 or more",
        ),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(index, step, parameters, message):
    with pytest.raises(InputError, match=message):
        read_entry(getattr(index_class(*index), f"{step}_parameters"), parameters, f"{step} of {index[1]}")


def test_fastscan_says_what_it_needs(tmp_path):
    with pytest.raises(InputError, match="index fastscan: needs whole bytes of bits, 36 dimensions are not divisible"):
        built(tmp_path, "binary", "fastscan", unit_vectors(dim=36))
    with pytest.raises(InputError, match="index fastscan: needs a pq codec of 4 bits, this one has 8"):
        built(tmp_path, "pq", "fastscan", unit_vectors(), fitted(PQ, unit_vectors()))


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("family", ["uint8", "int6", "int4"])
def test_ranges_begin_a_cache_line_and_stay_what_they_are(tmp_path, family, mapped):
    codec, _, path = built(tmp_path, family, "flat", unit_vectors())
    plain = [faiss.read_index(str(path)) for _ in range(5)]  # kept, so that the memory after them is at any place
    index = opened(family, "flat", path, codec, mapped=mapped)
    quantizer = index._index.sq
    assert faiss.rev_swig_ptr(quantizer.trained.data(), 1).ctypes.data % 64 == 0
    np.testing.assert_array_equal(faiss.vector_to_array(quantizer.trained), faiss.vector_to_array(plain[0].sq.trained))
