"""The command diagnose on files of every container and odd shapes, with NumPy as judge."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embquant.cli import main
from embquant.files.parquet import write_embeddings

VECTORS = np.random.default_rng(3).standard_normal((120, 16)).astype(np.float32) + 1


@pytest.fixture
def figures(tmp_path, capsys):
    """Diagnose vectors in a .npy file, or what paths name; return the figures."""

    def run(*given, options=()):
        words = []
        for number, one in enumerate(given):
            if isinstance(one, np.ndarray):
                np.save(tmp_path / f"{number}.npy", one)
                one = tmp_path / f"{number}.npy"
            words.append(str(one))
        assert main(["diagnose", *words, "--json", *map(str, options)]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_every_container_of_the_same_vectors_has_the_same_figures(figures, tmp_path):
    expected = figures(VECTORS)
    exact = VECTORS.astype(np.float64)
    share = np.linalg.norm(exact.mean(axis=0)) / np.linalg.norm(exact, axis=1).mean()
    assert expected["mean_share"] == pytest.approx(share)
    write_embeddings(tmp_path / "own.parquet", 16, [(pa.array(map(str, range(120))), VECTORS)])
    lists = pa.table({"emb": pa.array(VECTORS.astype(np.float64).tolist())})
    pq.write_table(lists, tmp_path / "lists.parquet", row_group_size=50)
    folder = tmp_path / "folder"
    folder.mkdir()
    np.save(folder / "1.npy", VECTORS[:70])
    np.save(folder / "2.npy", VECTORS[70:].astype(np.float64))
    assert figures(tmp_path / "own.parquet") == expected
    assert figures(tmp_path / "lists.parquet", options=["--column", "emb"]) == expected
    assert figures(folder) == expected
    assert figures(folder / "*.npy") == expected
    assert figures(VECTORS[:70], VECTORS[70:]) == expected


def test_a_folder_of_results_has_its_queries_beside_it(figures, tmp_path):
    folder = tmp_path / "results" / "facts" / "minilm"
    queries = VECTORS[:7] * np.float32(2)
    ids = pa.array(map(str, range(120)))
    write_embeddings(folder / "embeddings" / "part-000-of-001.parquet", 16, [(ids, VECTORS)])
    write_embeddings(folder / "queries.parquet", 16, [(ids[:7], queries)])
    np.save(tmp_path / "queries.npy", queries)
    own = figures(folder)
    assert (own["queries"], own["own_queries"]) == (7, False)
    assert own == figures(VECTORS, options=["--queries", tmp_path / "queries.npy"])


def test_float16_is_read_as_float32(figures):
    half = VECTORS.astype(np.float16)
    assert figures(half) == figures(half.astype(np.float32))


def test_equal_vectors_and_a_single_one_have_no_spread(figures):
    for vectors, repeated in ((np.ones((40, 8), np.float32), 39 / 40), (np.ones((1, 8), np.float32), 0)):
        own = figures(vectors)
        assert own["mean_share"] == pytest.approx(1)
        assert (own["effective_dim"], own["span"], own["margin_in_deviations"]) == (None, None, None)
        assert own["dead"] == list(range(8))
        assert own["duplicates"] == pytest.approx(repeated)


def test_vectors_of_length_zero_alone_have_no_mean_direction(figures):
    own = figures(np.zeros((30, 4), np.float32))
    assert (own["zero"], own["mean_share"], own["margin"], own["outlier_share"]) == (30, None, None, 0)


def test_fewer_vectors_than_ranks_have_no_margin(figures):
    assert figures(VECTORS[:20])["margin"] is None  # without itself each has 19
    assert figures(VECTORS[:21])["margin"] is not None
    assert figures(VECTORS[:9], options=["--k", 4])["margin"] is not None


def test_large_vectors_stay_exact(figures):
    own, large = figures(VECTORS), figures(VECTORS * np.float32(2.0**120))
    for name in ("mean_share", "effective_dim", "span", "margin", "margin_in_deviations"):
        assert large[name] == pytest.approx(own[name], rel=1e-6), name


def test_many_dimensions(figures):
    wide = np.random.default_rng(0).standard_normal((64, 3072)).astype(np.float32)
    own = figures(wide)
    assert own["dim"] == 3072
    assert own["mean_share"] == pytest.approx(1 / 8, rel=0.05)


def test_the_text_has_a_line_per_figure(capsys, tmp_path):
    vectors = np.concatenate([VECTORS, VECTORS[:1], np.full((1, 16), np.nan, np.float32)])
    np.save(tmp_path / "v.npy", vectors)
    assert main(["diagnose", str(tmp_path / "v.npy")]) == 0
    text = capsys.readouterr().out
    assert "122 vectors of 16 dimensions" in text
    assert "vectors with NaN or infinity" in text
    assert "0.83%  of the vectors repeat another one" in text


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("x.npy", np.ones((3, 4), np.int8), [], "whole numbers or bits are quantized already"),
        ("x.npy", np.full((3, 4), np.nan, np.float32), [], "all of 3 vectors have NaN or infinity"),
        ("x.npy", np.ones((0, 4), np.float32), [], "holds no vectors"),
        ("x.npy", VECTORS, ["--k", "0"], "--k must be 1 or more"),
        ("x.npy", VECTORS, ["--queries", "y.npy"], "y.npy: no such file"),
        ("x.npy", VECTORS[:, :5], ["--queries", "dim.npy"], "vectors of 16 dimensions, expected 5"),
        ("x.npy", None, [], "no such file"),
    ],
)
def test_what_is_not_understood_is_one_line(capsys, tmp_path, monkeypatch, name, content, options, message):
    monkeypatch.chdir(tmp_path)
    np.save("dim.npy", VECTORS)
    if content is not None:
        np.save(name, content)
    assert main(["diagnose", name, *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
