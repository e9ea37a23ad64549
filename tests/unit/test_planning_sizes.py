"""What files will take on disk, against files that are written, and the way a plan is told."""

import pytest

from embquant.errors import InputError
from embquant.files.parquet import write_embeddings
from embquant.quantize.codecs import parse_codec
from embquant.study.outline import Outline
from embquant.study.remaining import check_disk, duration, remaining_seconds, size, to_write
from embquant.study.sizes import Corpus, index_bytes, parquet_floats
from support.codec_cases import CASES, INDEXED, case, fitted, unit_vectors
from support.index_cases import ENTRIES, FASTSCAN_PQ, built

ROWS = 600


def corpus(dim=32, documents=ROWS):
    return Corpus(documents=documents, distinct=documents, embedded=documents, queries=8, dim=dim, id_bytes=4)


@pytest.mark.parametrize("name", CASES)
def test_a_code_is_as_wide_as_the_fitted_codec_says(name):
    assert parse_codec(CASES[name]).code_bytes(32) == case(name).bytes_per_vector


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_rabitq_of_dimensions_that_are_no_whole_bytes(bits):
    entry = {"family": "rabitq", "bits": bits}
    assert parse_codec(entry).code_bytes(21) == fitted(entry, unit_vectors(dim=21)).bytes_per_vector


@pytest.mark.parametrize(("family", "kind"), INDEXED)
def test_an_index_file_is_as_large_as_its_formula(tmp_path, family, kind):
    entry = FASTSCAN_PQ if (family, kind) == ("pq", "fastscan") else ENTRIES.get(family, {"family": family})
    _, _, path = built(tmp_path, family, kind, unit_vectors(ROWS))
    assert index_bytes(kind, {}, parse_codec(entry), corpus()) == pytest.approx(path.stat().st_size, rel=0.03, abs=400)


@pytest.mark.parametrize(
    ("family", "kind", "build"),
    [("int8", "hnsw", {"connectivity": 4}), ("binary", "hnsw", {"connectivity": 32}), ("float32", "ivf", {"lists": 7})],
)
def test_parameters_of_the_build_count(tmp_path, family, kind, build):
    _, _, path = built(tmp_path, family, kind, unit_vectors(ROWS), **build)
    spec = parse_codec({"family": family})
    assert index_bytes(kind, build, spec, corpus()) == pytest.approx(path.stat().st_size, rel=0.05)


@pytest.mark.parametrize("name", ["binary-itq", "float32-pca", "pq", "pq-opq", "scaled-pq"])
def test_the_state_of_a_codec_is_its_matrix_and_its_centroids(tmp_path, name):
    case(name).save(tmp_path / "state.npz")
    actual = (tmp_path / "state.npz").stat().st_size
    assert parse_codec(CASES[name]).state_bytes(32) == pytest.approx(actual, rel=0.1, abs=2000)


@pytest.mark.parametrize("rows", [100, 3000])
def test_embeddings_in_parquet_are_as_large_as_their_formula(tmp_path, rows):
    vectors = unit_vectors(rows, dim=128)
    write_embeddings(tmp_path / "part.parquet", 128, [([""] * rows, vectors)])
    assert parquet_floats(rows, 128) == pytest.approx((tmp_path / "part.parquet").stat().st_size, rel=0.05)


def method(codec, index="flat", stores=(), built=None, **keys):
    return {
        "codec": codec, "index": index, "built": built or codec, "scoring": "asymmetric", "stores": list(stores),
        "depths": [10], "build": {}, "search": {}, **keys,
    }  # fmt: skip


def outline(**methods):
    return Outline.read(
        {
            "study": "small", "runs": "runs", "calibrations": [], "parts": 2,
            "codecs": {name: {"family": name} for name in ("float32", "int8", "binary")},
            "methods": methods, "multipliers": [1, 4], "top_k": [10, 100], "metrics": 7, "rounds": 3,
            "single_queries": 10, "disk_gb": None,
        }
    )  # fmt: skip


def test_settings_stores_and_indexes_are_counted_once():
    own = outline(
        **{
            "float32": method("float32"),
            "binary": method("binary", stores=["binary", "int8", "float32"]),
            "wide": method("int8", index="hnsw", built="graph", stores=["float32"]),
            "narrow": method("int8", index="hnsw", built="graph", stores=["float32"]),
        }
    )
    # Two top_k; each store at two multipliers: 2 + (2 + 3·2·2) + 2·(2 + 1·2·2)
    assert own.settings == 2 + 14 + 6 + 6
    assert own.stores == ["float32", "binary", "int8"]
    assert list(own.indexes) == ["graph"]


def plan(folder, disk_gb=None, **sizes):
    files = [
        {"path": str(folder / name), "bytes": count, "passing": "distinct" in name} for name, count in sizes.items()
    ]
    stages = [{"name": "embedding", "seconds": 40, "jobs": 2}, {"name": "timing", "seconds": 5, "jobs": 1}]
    corpora = [{"dataset": "facts", "model": "minilm", "files": files, "stages": stages}]
    return {"study": "small", "results": str(folder), "disk_gb": disk_gb, "corpora": corpora}


def parts(folder, embeddings=100, distinct=90, store=50):
    (folder / "embeddings").mkdir(exist_ok=True)
    return {
        "embeddings/part-000-of-002.parquet": embeddings, "embeddings/part-001-of-002.parquet": embeddings,
        "embeddings/distinct-000-of-002.parquet": distinct, "store": store,
    }  # fmt: skip


def test_what_passes_counts_only_where_it_is_more_than_what_comes_after(tmp_path):
    assert to_write(plan(tmp_path, **parts(tmp_path, store=50))) == 100 + 100 + 90
    assert to_write(plan(tmp_path, **parts(tmp_path, store=500))) == 100 + 100 + 500


def test_what_is_there_already_is_not_written_again(tmp_path):
    own = plan(tmp_path, **parts(tmp_path, store=500))
    (tmp_path / "embeddings" / "part-000-of-002.parquet").write_bytes(bytes(99))
    assert to_write(own) == 100 + 500


def test_a_run_takes_its_share_of_each_stage_by_the_jobs_that_are_left_of_it(tmp_path):
    own = plan(tmp_path, **parts(tmp_path))
    assert remaining_seconds(own) == {"embedding": 40, "timing": 5}
    # One of two parts; the queries' embeddings and what was prepared take no time that counts; more than was planned.
    jobs = {"embed_corpus": 1, "embed_queries": 1, "calibrate": 1, "time_search": 3}
    assert remaining_seconds(own, jobs) == {"embedding": 20, "timing": 5}
    assert remaining_seconds(own, {"join_reports": 1}) == {"embedding": 0, "timing": 0}


def test_a_plan_that_does_not_fit_is_refused_in_one_line_with_both_sizes(tmp_path):
    too_much = plan(tmp_path, **parts(tmp_path, store=10**18))
    with pytest.raises(InputError, match=rf"1,000,000 TB are to be written under {tmp_path}, .* free; make room"):
        check_disk(too_much)
    check_disk(plan(tmp_path, **parts(tmp_path)))


def test_disk_gb_stands_for_what_is_free_both_ways(tmp_path):
    with pytest.raises(InputError, match=r"700 B are to be written under .*, 500 B allowed by disk_gb"):
        check_disk(plan(tmp_path, disk_gb=5e-7, **parts(tmp_path, store=500)))
    check_disk(plan(tmp_path, disk_gb=1e12, **parts(tmp_path, store=10**18)))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "about 1 s"), (17, "about 17 s"), (44, "about 40 s"), (95, "about 2 min"), (7000, "about 1.9 h")],
)
def test_times_are_told_as_roughly_as_they_are_known(seconds, told):
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("count", "told"),
    [(999, "999 B"), (147_000, "147 kB"), (912.2e6, "912 MB"), (3.5e12, "3.5 TB"), (2e15, "2,000 TB")],
)
def test_sizes_are_told_in_decimal_units(count, told):
    assert size(count) == told
