"""zvec's quantizers by other counts: bytes of codes, what its own scan finds, and what can't be, in one line."""

from pathlib import Path

import numpy as np
import pytest

from embquant.engines.zvec_words import MOST_CANDIDATES
from embquant.entries import read_entry
from embquant.errors import InputError
from embquant.indexes import index_class
from embquant.quantize.codecs import parse_codec
from embquant.quantize.extent import Extent
from support.codec_cases import unit_vectors
from support.index_cases import built, opened

Zvec = index_class("float32", "zvec")
K = 10
CORPUS, QUERIES = unit_vectors(rows=3000, dim=128, seed=1), unit_vectors(rows=40, dim=128, seed=2)
EXACT = np.argsort(-(QUERIES @ CORPUS.T), axis=1)[:, :K]
LISTS = {
    "FP16": {"index": "ivf", "quantize_type": "FP16", "n_list": 2},
    "INT8": {"index": "ivf", "quantize_type": "INT8", "n_list": 2},
    "INT4": {"index": "ivf", "quantize_type": "INT4", "n_list": 2},
    "1 bit": {"index": "ivf_rabitq", "total_bits": 1, "nlist": 2},
    "3 bits": {"index": "ivf_rabitq", "total_bits": 3, "nlist": 2},
}
KEYS = {"ivf": 20, "ivf_rabitq": 12}
"""Bytes that lists keep beside each code: the document's number, and its place."""


def overlap(rows, expected=EXACT):
    return np.mean([len({*found} & {*wanted}) / K for found, wanted in zip(rows, expected, strict=True)])


def searched(folder, build, search, queries=QUERIES):
    codec, _, path = built(folder, "float32", "zvec", CORPUS, **build)
    return opened("float32", "zvec", path, codec, **search).search(queries, K)


@pytest.mark.parametrize("build", LISTS.values(), ids=LISTS)
def test_the_bytes_of_a_code_are_those_by_which_its_file_grows(tmp_path, build):
    sizes = []
    for rows in (1000, 3000):
        codec, _, path = built(tmp_path, "float32", "zvec", CORPUS[:rows], **build)
        index = opened("float32", "zvec", path, codec)
        (file,) = Path(index.folder).glob("collection/*/vector.qindex.*")
        sizes.append(file.stat().st_size)
    width = Zvec.code_bytes(codec, Zvec.build_parameters(**build)) + KEYS[build["index"]]
    assert (sizes[1] - sizes[0]) / 2000 == pytest.approx(width, abs=1)


def test_int8_scores_are_inner_products_within_a_step_of_its_scale(tmp_path):
    scores, rows = searched(tmp_path, {"index": "flat", "quantize_type": "INT8"}, {})
    exact = np.take_along_axis(QUERIES @ CORPUS.T, rows, axis=1)
    step = (CORPUS.max(axis=1) - CORPUS.min(axis=1)).max() / 255
    assert np.abs(scores - exact).max() <= np.abs(QUERIES).sum(axis=1).max() * step
    assert overlap(rows) >= 0.95


def test_a_graph_at_its_widest_finds_what_a_scan_of_the_same_codes_finds(tmp_path):
    (tmp_path / "graph").mkdir()
    _, scanned = searched(tmp_path, {"index": "flat", "quantize_type": "INT4"}, {})
    _, found = searched(tmp_path / "graph", {"index": "hnsw", "quantize_type": "INT4"}, {"ef": 2000})
    assert overlap(found, scanned) >= 0.99
    assert overlap(found) < 0.9


def test_a_graph_keeps_at_most_as_many_candidates_as_zvec_takes(tmp_path):
    codec, _, path = built(tmp_path, "float32", "zvec", CORPUS, index="hnsw")
    index = opened("float32", "zvec", path, codec, ef=MOST_CANDIDATES)
    assert overlap(index.search(QUERIES, K)[1]) >= 0.99
    engine = Zvec(Path(index.folder), Zvec.search_parameters.model_construct(ef=MOST_CANDIDATES + 1))
    with pytest.raises(RuntimeError, match="Failed to search vector"):
        engine.find(QUERIES[0], K)
    engine.close()
    with pytest.raises(InputError, match="ef is 2049, expected 1 to 2048"):
        read_entry(Zvec.search_parameters, {"ef": MOST_CANDIDATES + 1})


def test_the_refiner_ranks_candidates_by_the_vectors(tmp_path):
    build = {"index": "hnsw", "quantize_type": "INT4"}
    scores, rows = searched(tmp_path, build, {"ef": 500, "is_using_refiner": True, "scale_factor": 8})
    np.testing.assert_allclose(scores, np.take_along_axis(QUERIES @ CORPUS.T, rows, axis=1), atol=1e-5)
    assert overlap(rows) >= 0.99


def test_a_rotation_before_a_quantizer_without_a_graph_changes_its_codes_and_finds_as_much(tmp_path):
    (tmp_path / "rotated").mkdir()
    plain = {"index": "flat", "quantize_type": "INT4"}
    _, without = searched(tmp_path, plain, {})
    _, rotated = searched(tmp_path / "rotated", {**plain, "enable_rotate": True}, {})
    assert (without != rotated).any()
    assert overlap(rotated) >= overlap(without) - 0.05


@pytest.mark.parametrize(
    ("build", "said"),
    [
        ({"index": "hnsw", "enable_rotate": True}, "an index of type hnsw has no enable_rotate"),
        ({"index": "flat", "enable_rotate": True}, "enable_rotate needs quantize_type INT8 or INT4"),
        ({"index": "ivf_rabitq", "quantize_type": "INT8"}, "an index of type ivf_rabitq has no quantize_type"),
        ({"index": "ivf", "nlist": 4}, "an index of type ivf has no nlist"),
    ],
)
def test_a_word_of_another_index_is_a_mistake(build, said):
    with pytest.raises(InputError, match=said):
        read_entry(Zvec.build_parameters, build)


def test_a_query_has_the_words_of_its_index(tmp_path):
    with pytest.raises(InputError, match=r"^search: an index flat of zvec has no ef$"):
        searched(tmp_path, {"index": "flat"}, {"ef": 100})


def test_dimensions_that_a_quantizer_does_not_take_are_an_obstacle():
    codec, rabitq = parse_codec({"family": "float32"}), Zvec.build_parameters(index="hnsw_rabitq")
    assert Zvec.obstacle(codec, Extent(10, 64), rabitq) is None
    reason = "vectors have 4096 dimensions; zvec's RaBitQ takes 64 to 4095"
    assert Zvec.obstacle(codec, Extent(10, 4096), rabitq) == reason
    int4 = Zvec.build_parameters(quantize_type="INT4")
    reason = "vectors have 33 dimensions; zvec's INT4 takes an even number"
    assert Zvec.obstacle(codec, Extent(10, 33), int4) == reason
