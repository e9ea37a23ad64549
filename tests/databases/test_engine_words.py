"""What databases' own parameters mean: bytes of codes as they are written, exact twins, and mistakes in one line."""

import re
from pathlib import Path

import numpy as np
import pytest

from embquant.engines import locks
from embquant.engines.base import tar
from embquant.entries import read_entry
from embquant.errors import InputError
from embquant.indexes import index_class
from embquant.quantize.extent import Extent
from embquant.study.study import Study
from support.codec_cases import sample, unit_vectors
from support.index_cases import built

ROWS = 500
QUANTIZERS = [
    {"scalar": {"quantile": 0.99}},
    {"product": {"compression": "x4"}},
    {"product": {"compression": "x64"}},
    *({"binary": {"encoding": encoding}} for encoding in ("one_bit", "one_and_half_bits", "two_bits")),
    *({"turboquant": {"bits": bits}} for bits in ("bits1", "bits1_5", "bits2", "bits4", "bits8")),
]


@pytest.mark.parametrize("quantization", QUANTIZERS, ids=str)
def test_the_bytes_of_qdrants_codes_are_those_of_its_file(tmp_path, quantization):
    build = {"quantization": quantization, "indexing_threshold": 1, "hnsw_config": {"m": 0}}
    vectors = unit_vectors(rows=ROWS, dim=100)  # no whole 16 bytes
    codec, _, path = built(tmp_path, "float32", "qdrant", vectors, **build)
    tar("--extract", "--file", path, "--directory", tmp_path)
    (file,) = Path(tmp_path, "segments").glob("*/vector_storage/quantized.data")
    index = index_class("float32", "qdrant")
    assert file.stat().st_size == ROWS * index.code_bytes(codec, index.build_parameters(**build))


def study(**methods):
    return Study.read(
        {
            "study": "databases",
            "datasets": {"python-stdlib": {"source": "python-stdlib"}},
            "models": {"minilm": {"name": "sentence-transformers/all-MiniLM-L6-v2"}},
            "codecs": {"float32": {"family": "float32"}, "int8": {"family": "int8"}},
            "methods": {"float32": {"codec": "float32", "index": "flat"}}
            | {name: {"codec": "float32", **entry} for name, entry in methods.items()},
            "rescore": {"stores": ["int8", "float32"]},
        }
    )


def test_the_exact_twin_of_a_graph_scans_the_same_quantizers_codes():
    int8, graph = {"scalar": {"type": "int8"}}, {"m": 0}
    methods = study(
        hnsw={"index": "qdrant", "build": {"quantization": int8}, "search": {"hnsw_ef": [64, 128]}},
        scan={"index": "qdrant", "build": {"quantization": int8, "hnsw_config": graph}},
        rescored={"index": "qdrant", "build": {"quantization": int8}, "search": {"rescore": True, "oversampling": 1.5}},
        ivf={
            "index": "lancedb",
            "build": {"index_type": "IVF_PQ", "num_partitions": 8},
            "search": {"nprobes": [1, 8], "refine_factor": 2},
        },
    ).methods
    assert methods["hnsw-hnsw-ef-64"].exact_twins == methods["hnsw-hnsw-ef-128"].exact_twins == ["scan"]
    assert methods["scan"].exact_twins == methods["rescored"].exact_twins == []

    assert methods["ivf-nprobes-1"].exact_twins == ["ivf-nprobes-8"]


@pytest.mark.parametrize(
    ("kind", "build"),
    [
        ("qdrant", {}),
        ("pgvector", {"index": "hnsw"}),
        ("lancedb", {"index_type": "IVF_FLAT", "num_partitions": 8}),
        ("zvec", {"index": "hnsw"}),
    ],
)
def test_the_exact_twin_of_a_graph_of_floats_is_the_exact_search(kind, build):
    assert study(graph={"index": kind, "build": build}).methods["graph"].exact_twins == ["float32"]


def test_only_steps_that_run_a_database_run_again_when_its_version_changes():
    methods = study(bits={"index": "sqlite-vec"}).methods
    assert locks(methods["bits"].modules) == ["requirements.lock", "torch.lock", "databases.lock"]
    assert locks(methods["float32"].modules) == ["requirements.lock", "torch.lock"]


def test_databases_rescore_by_themselves():
    methods = study(
        bits={"index": "sqlite-vec", "build": {"column": "bit"}, "search": {"oversampling": [1, 4]}}
    ).methods
    assert methods["bits-oversampling-4"].rescore_stores == []
    assert {setting.multiplier for setting in methods["bits-oversampling-4"].settings} == {1}


@pytest.mark.parametrize(
    ("kind", "build", "said"),
    [
        ("qdrant", {"quantization": {}}, "expected one of scalar, product, binary and turboquant"),
        ("qdrant", {"quantization": {"scalar": {}, "binary": {}}}, "expected one of scalar, product, binary"),
        ("lancedb", {"index_type": "IVF_RQ", "num_sub_vectors": 8}, "an index of type IVF_RQ has no num_sub_vectors"),
        ("lancedb", {"index_type": "IVF_PQ", "num_bits": 5}, "num_bits is 5, expected 4 or 8 for an index"),
        ("lancedb", {"index_type": "IVF_PQ", "num_bits": 4, "num_sub_vectors": 3}, "expected an even number"),
        ("pgvector", {"index": "hnsw", "m": 40}, "ef_construction is 64, expected at least 2 × m = 80"),
        ("sqlite-vec", {"column": "halfvec"}, "column is 'halfvec', expected 'float' or 'int8' or 'bit'"),
    ],
)
def test_a_mistake_is_said_in_the_databases_own_words(kind, build, said):
    with pytest.raises(InputError, match=said):
        read_entry(index_class("float32", kind).build_parameters, build)


@pytest.mark.parametrize(
    ("build", "dim", "said"),
    [
        ({"index_type": "IVF_PQ", "num_sub_vectors": 7}, 64, "vectors have 64 dimensions; .* a multiple of .*, 7"),
        ({"index_type": "IVF_PQ", "num_bits": 4}, 40, "vectors have 40 dimensions; .* num_sub_vectors, 6 by default"),
        ({"index_type": "IVF_RQ"}, 20, "vectors have 20 dimensions; LanceDB's RQ takes a multiple of 8"),
    ],
)
def test_dimensions_that_lancedb_does_not_take_are_an_obstacle_and_it_does_not(tmp_path, build, dim, said):
    index = index_class("float32", "lancedb")
    assert re.search(said, index.obstacle(None, Extent(ROWS, dim), index.build_parameters(**build)))
    with pytest.raises(InputError, match="lancedb can't build it"):
        built(tmp_path, "float32", "lancedb", unit_vectors(rows=ROWS, dim=dim), num_partitions=1, **build)


@pytest.mark.parametrize(
    ("dim", "bits", "pieces"), [(64, 8, 4), (40, 8, 5), (20, 8, 1), (64, 4, 4), (48, 4, 4), (20, 4, 2)]
)
def test_lancedb_chooses_the_pieces_that_it_says_nothing_of(tmp_path, dim, bits, pieces):
    """Whole 16 dimensions, else whole 8, else all, and an even number for 4 bits: as many bytes as if it was told."""
    sizes = []
    for told in ({}, {"num_sub_vectors": pieces}):
        folder = tmp_path / str(len(sizes))
        folder.mkdir()
        build = {"index_type": "IVF_PQ", "num_partitions": 1, "num_bits": bits, **told}
        codec, _, path = built(folder, "float32", "lancedb", unit_vectors(rows=ROWS, dim=dim), **build)
        tar("--extract", "--file", path, "--directory", folder)
        (file,) = folder.glob("*.lance/_indices/*/auxiliary.idx")
        index = index_class("float32", "lancedb")
        sizes.append((file.stat().st_size, index.code_bytes(codec, index.build_parameters(**build))))
    assert sizes[0] == sizes[1]


def test_vectors_of_different_lengths_are_no_matter_of_sqlite_vec():
    vectors = np.array([[3, 4], [1, 0]], np.float32)
    index = index_class("float32", "sqlite-vec")
    reason = index.obstacle(None, Extent.of(sample(vectors)), index.build_parameters())
    assert reason == "vectors are 1 to 5 long, and it has no inner product; normalize them"
