"""A server that is started for a table of vectors: when it ends, what it says if it can't go on, what it takes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from embquant.errors import InputError
from embquant.indexes import index_class
from support.codec_cases import unit_vectors
from support.index_cases import built, opened

PgVector = index_class("float32", "pgvector")
CORPUS, QUERIES = unit_vectors(rows=2000, dim=64, seed=1), unit_vectors(rows=20, dim=64, seed=2)
MOST_PROCESSES = 20


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A folder with a table of float16 in lists, and one of bits."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in ("halfvec", "bit")}
    lists = {"type": "halfvec", "index": "ivfflat", "lists": 20}
    codec, _, halves = built(folders["halfvec"], "float32", "pgvector", CORPUS, **lists)
    _, _, bits = built(folders["bit"], "float32", "pgvector", CORPUS, type="bit", originals="halfvec")
    return codec, halves, bits


def servers(folder):
    """The ids of the server processes whose data lies below ``folder``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if words[0].endswith(b"/postgres") and any(os.fsencode(folder) in word for word in words):
            found.append(int(process.name))
    return found


def test_bits_are_those_of_the_signs_and_are_ranked_again_by_the_floats(tables):
    codec, _, bits = tables
    scores, rows = opened("float32", "pgvector", bits, codec).search(QUERIES, 10)
    apart = ((QUERIES > 0)[:, None] != (CORPUS > 0)).sum(axis=2)
    np.testing.assert_array_equal(-scores, np.sort(apart, axis=1)[:, :10])
    np.testing.assert_array_equal(-scores, np.take_along_axis(apart, rows, axis=1))
    scores, rows = opened("float32", "pgvector", bits, codec, oversampling=200).search(QUERIES, 10)
    halves = CORPUS.astype(np.float16).astype(np.float64)
    expected = QUERIES.astype(np.float16).astype(np.float64) @ halves.T
    np.testing.assert_allclose(scores, -np.sort(-expected, axis=1)[:, :10], atol=1e-6)
    np.testing.assert_allclose(scores, np.take_along_axis(expected, rows, axis=1), atol=1e-6)


def test_lists_are_searched_as_far_as_probes_say(tables):
    codec, halves, _ = tables
    few, all_lists, unused = (
        opened("float32", "pgvector", halves, codec, **search).search(QUERIES, 10)[1]
        for search in ({"probes": 1}, {"probes": 20}, {"exact": True})
    )
    np.testing.assert_array_equal(all_lists, unused)
    assert (few != unused).any()


def test_an_iterative_scan_finds_as_many_as_are_asked_for(tables):
    codec, halves, _ = tables
    short = opened("float32", "pgvector", halves, codec).search(QUERIES, 500)[1]
    full = opened("float32", "pgvector", halves, codec, iterative_scan=True).search(QUERIES, 500)[1]
    assert (short == -1).any()
    assert (full != -1).all()


def test_floats_have_nothing_to_be_ranked_again_by(tables):
    codec, halves, _ = tables
    with pytest.raises(InputError, match="oversampling needs type: bit"):
        opened("float32", "pgvector", halves, codec, oversampling=4)
    assert servers(halves.parent) == []


def test_a_snapshot_without_vectors_is_one_line_and_leaves_no_server(tmp_path):
    from embquant.engines.base import tar
    from embquant.engines.postgres import created_server

    (tmp_path / "made").mkdir()
    with created_server(tmp_path / "made"):
        pass
    tar("--create", "--file", tmp_path / "index.tar", "--directory", tmp_path / "made", ".")
    with pytest.raises(InputError, match=r"index\.tar: not a readable snapshot \(it has no table of vectors\)"):
        opened("float32", "pgvector", tmp_path / "index.tar", None)
    assert servers(tmp_path) == []


def test_the_memory_of_all_processes_of_the_server_is_counted(tables):
    codec, halves, _ = tables
    index = opened("float32", "pgvector", halves, codec)
    index.search(QUERIES, 10)
    own, mapped = index.bytes_elsewhere()
    assert 5 << 20 < own < 200 << 20
    assert mapped > 1 << 20
    index.close()


def test_no_server_is_left_of_a_process_that_is_killed(tables):
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from support.index_cases import codec_of, opened
index = opened("float32", "pgvector", Path({str(tables[1])!r}), codec_of("float32", "pgvector", 64))
print("open", flush=True)
input()
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"open\n"
    assert 0 < len(servers(tables[1].parent)) < MOST_PROCESSES
    process.send_signal(signal.SIGKILL)
    process.wait()
    until = time.monotonic() + 20
    while servers(tables[1].parent) and time.monotonic() < until:
        time.sleep(0.1)
    assert servers(tables[1].parent) == []


def test_a_server_that_does_not_start_is_one_line(tmp_path):
    from embquant.engines.postgres import Server

    (tmp_path / "data").mkdir(mode=0o700)
    with pytest.raises(InputError, match=r"PostgreSQL: the server doesn't start: .*postgresql\.conf") as error:
        Server.started(tmp_path)
    assert "\n" not in str(error.value)


def test_what_the_server_refuses_is_one_line_and_ends_it(tmp_path):
    from embquant.engines.postgres import created_server

    with (
        pytest.raises(InputError, match=r'^PostgreSQL: relation "nothing" does not exist$'),
        created_server(tmp_path) as server,
        server.connection() as connection,
    ):
        connection.execute("SELECT * FROM nothing")
    assert servers(tmp_path) == []


def test_a_server_that_is_gone_is_one_line(tables):
    codec, halves, _ = tables
    index = opened("float32", "pgvector", halves, codec)
    for process in servers(halves.parent):
        os.kill(process, signal.SIGKILL)
    with pytest.raises(InputError, match=r"^PostgreSQL: ") as error:
        index.search(QUERIES, 10)
    assert "\n" not in str(error.value)


def test_a_server_that_does_not_end_is_killed_and_loses_nothing(tmp_path, monkeypatch):
    from embquant.engines import postgres

    monkeypatch.setattr(postgres, "ENDING", tuple((sent, 0.5) for sent, _ in postgres.ENDING))
    with postgres.created_server(tmp_path) as server, server.connection() as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 5000) AS number")
        os.kill(server.process.pid, signal.SIGSTOP)  # it answers nothing any more
    assert server.process.returncode == -signal.SIGKILL
    until = time.monotonic() + 20
    while servers(tmp_path) and time.monotonic() < until:
        time.sleep(0.1)
    assert servers(tmp_path) == []
    again = postgres.Server.started(tmp_path)
    with again.connection() as connection:
        assert connection.execute("SELECT sum(number) FROM kept").fetchone() == (12_502_500,)
    again.stop()


def test_a_server_that_not_even_a_kill_ends_is_one_line(tmp_path, monkeypatch):
    from embquant.engines import postgres

    class Stuck(subprocess.Popen):
        """A process that no signal reaches, as one that waits for a broken disk."""

        def send_signal(self, sig):
            pass

    monkeypatch.setattr(postgres, "ENDING", tuple((sent, 0.1) for sent, _ in postgres.ENDING))
    with Stuck(["sleep", "600"]) as process:
        with pytest.raises(InputError, match=rf"PostgreSQL: the server in .* doesn't end; kill process {process.pid}"):
            postgres.Server(tmp_path, process).stop()
        os.kill(process.pid, signal.SIGKILL)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_full_disk_is_one_line(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=33m", "tmpfs", str(disk)], check=True)
    try:
        with pytest.raises(InputError, match=r"PostgreSQL: .*No space left on device") as error:
            built(disk, "float32", "pgvector", unit_vectors(rows=4000, dim=512))
        assert "\n" not in str(error.value)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_more_dimensions_than_an_index_takes_are_an_obstacle():
    from embquant.quantize.codecs import parse_codec
    from embquant.quantize.extent import Extent

    codec, build = parse_codec({"family": "float32"}), PgVector.build_parameters(index="hnsw")
    assert PgVector.obstacle(codec, Extent(10, 2000), build) is None
    assert PgVector.obstacle(codec, Extent(10, 2001), build) == (
        "vectors have 2001 dimensions; pgvector indexes a vector of at most 2000"
    )
    assert PgVector.obstacle(codec, Extent(10, 4000), PgVector.build_parameters()) is None
