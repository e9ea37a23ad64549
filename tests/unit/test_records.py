"""Files are checked against their records when they are read; the judge of digests is coreutils' sha256sum."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from embquant.errors import InputError
from embquant.files import records
from embquant.files.atomic import atomic_path, link_or_copy, read_json, remove_leftovers, write_json
from embquant.files.parquet import open_parquet, read_matrices, read_table, write_parquet

SCHEMA = pa.schema([("id", pa.string()), ("number", pa.int64())])


CONFIG = "config/mine.yaml"


@pytest.fixture(autouse=True)
def job():
    with records.recording(["embquant", "a-step"], CONFIG):
        yield


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.parquet"
    write_parquet(path, SCHEMA, [pa.table({"id": ["a", "b"], "number": [1, 2]}, schema=SCHEMA)])
    return path


def read_in_another_step(path):
    with records.recording(["embquant", "another-step"]):
        return read_table(path, ["id", "number"]).to_pydict()


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def sha256sum(path):
    return subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]


def test_a_record_has_the_digest_and_the_inputs_of_its_file(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "input.txt"
    own.write_text("hello")
    made = tmp_path / "made" / "made.json"
    with records.recording(["embquant", "make", "--it"], CONFIG):
        records.note_input(own)
        read_table(table, ["id"])
        write_json(made, 1)
    record = records.Record.of(made)
    assert record.sha256 == sha256sum(made)
    assert record.command == ["embquant", "make", "--it"]
    assert record.config == CONFIG
    assert record.inputs == {"../input.txt": sha256sum(own), "../table.parquet": sha256sum(table)}
    assert record.used(made) == {own: sha256sum(own), table: sha256sum(table)}


def test_what_a_command_itself_wrote_is_none_of_its_inputs(table, tmp_path):
    read_table(table, ["id"])
    write_json(tmp_path / "made.json", 1)
    assert records.Record.of(tmp_path / "made.json").inputs == {}


def test_every_flipped_bit_of_a_small_file_is_found_and_named(table):
    whole = table.read_bytes()
    for place in range(len(whole)):
        flip(table, place)
        with pytest.raises(
            InputError,
            match=rf"{table}: damaged, SHA-256 .*; to rebuild it: rm -f {table} && make",
        ):
            read_in_another_step(table)
        table.write_bytes(whole)
    assert read_in_another_step(table) == {"id": ["a", "b"], "number": [1, 2]}


def test_a_truncated_file_is_told_by_its_size(table):
    size = table.stat().st_size
    table.write_bytes(table.read_bytes()[:-1])
    with pytest.raises(InputError, match=f"{size - 1} bytes where {size} were written"):
        read_in_another_step(table)


def test_a_missing_file_that_a_step_wrote_is_said_how_to_rebuild(table):
    table.unlink()
    with pytest.raises(InputError, match=rf"no such file; .* && make run CONFIG={CONFIG} ARGS='-- {table}'"):
        read_in_another_step(table)


def test_a_file_that_no_run_wrote_is_not_said_to_be_rebuilt_by_some_study(table):
    with records.recording(["embquant", "a-step"]):
        write_json(table.parent / "by-hand.json", 1)
    (table.parent / "by-hand.json").unlink()
    with pytest.raises(InputError, match="no such file; to rebuild it: delete it and run its study again"):
        read_json(table.parent / "by-hand.json")


def test_a_library_call_records_nothing(tmp_path):
    script = "import pathlib; from embquant.files.atomic import write_json; write_json(pathlib.Path('made.json'), 1)"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["made.json"]


def test_a_file_beside_recorded_ones_that_has_no_record_is_refused_by_a_run(table):
    (table.parent / "other.json").write_text("1")
    with records.recording(["embquant", "by-hand"]):
        assert read_json(table.parent / "other.json") == 1
    with pytest.raises(InputError, match=r"other.json: not recorded"):
        read_json(table.parent / "other.json")


def test_files_of_the_user_s_need_no_record(tmp_path):
    (tmp_path / "other.json").write_text("1")
    assert read_json(tmp_path / "other.json") == 1


@pytest.mark.parametrize("what", ["sha256", "inputs", "command", "kept"])
def test_a_record_that_was_changed_is_refused(table, what):
    place = records.place_of(table)
    values = json.loads(place.read_text())
    values[what] = {"sha256": "0" * 64, "inputs": {"x": "0"}, "command": [], "kept": False}[what]
    place.write_text(json.dumps(values))
    with pytest.raises(InputError, match="damaged record"):
        read_in_another_step(table)
    place.write_text("{")
    with pytest.raises(InputError, match="damaged record"):
        read_in_another_step(table)


def test_a_large_file_is_read_again_only_when_its_stamp_changed(table, monkeypatch):
    monkeypatch.setattr(records, "READ_WHOLE", 0)
    read_in_another_step(table)  # notes the stamp
    digests = []
    monkeypatch.setattr(records, "file_digest", lambda path: digests.append(path) or sha256sum(path))
    read_in_another_step(table)
    assert digests == []
    os.utime(table)
    read_in_another_step(table)
    assert digests == [table]
    read_in_another_step(table)
    assert digests == [table]


def test_a_large_file_that_was_changed_and_dated_back_is_found(table, monkeypatch):
    monkeypatch.setattr(records, "READ_WHOLE", 0)
    read_in_another_step(table)
    status = table.stat()
    flip(table, 20)
    os.utime(table, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(InputError, match="damaged, SHA-256"):
        read_in_another_step(table)


def test_pages_of_parquet_files_are_checked_where_there_is_no_record(tmp_path):
    schema = pa.schema([("embedding", pa.list_(pa.float32(), 4))])
    values = pa.array([[float(row), 0.5, 0.25, 0.125] for row in range(500)], schema.field(0).type)
    path = tmp_path / "vectors.parquet"
    write_parquet(path, schema, [pa.table([values], schema=schema)])
    alone = tmp_path / "elsewhere" / "vectors.parquet"
    alone.parent.mkdir()
    alone.write_bytes(path.read_bytes())
    first = open_parquet(alone).metadata.row_group(0).column(0)
    flip(alone, first.data_page_offset + first.total_compressed_size // 2)
    with pytest.raises(InputError, match="damaged Parquet file"):
        list(read_matrices([alone], "embedding"))


def test_nothing_stays_of_a_file_that_could_not_be_written(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "made.bin") as temporary:
        temporary.write_bytes(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_whatever_the_library_makes_of_it(tmp_path):
    path = tmp_path / "made.bin"
    full = "no space left on the device; make room and run again"
    with (
        pytest.raises(OSError, match=full) as caught,
        atomic_path(path),
        Path("/dev/full").open("wb") as file,
    ):
        file.write(b"x" * (1 << 20))
    assert caught.value.filename == str(path)


def test_what_killed_processes_leave_is_removed_and_nothing_else(table):
    folder = table.parent
    kept = [".hidden", ".my-settings", ".DS_Store", ".nfs000001", "a.0123abcd.json"]
    left = [".table.0123abcd.parquet", ".state.89ab0123.npz", ".records/.table.parquet.json.0000abcd"]
    for name in kept + left:
        (folder / name).write_text("x")
    for name in (".staging-ab1_z9q0", ".graph-abcd1234", ".part-abcd_234"):
        (folder / name).mkdir()
        (folder / name / "staged").write_text("x")
    assert remove_leftovers(folder) == len(left) + 3
    assert sorted(path.name for path in folder.iterdir()) == sorted([*kept, ".records", "table.parquet"])
    assert read_in_another_step(table)["id"] == ["a", "b"]


def test_a_link_has_the_record_of_what_it_links_to_and_a_copy_takes_its_place(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records.record(table, table, kept=False)
    monkeypatch.setattr(records, "READ_WHOLE", 0)
    read_in_another_step(table)
    with records.recording(["embquant", "place"], CONFIG):
        link_or_copy(table, tmp_path / "linked.parquet")
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError))
        link_or_copy(table, tmp_path / "copied.parquet")
    for name, same in [("linked.parquet", True), ("copied.parquet", False)]:
        record = records.Record.of(tmp_path / name)
        assert (record.sha256, record.bytes, record.kept) == (sha256sum(table), table.stat().st_size, True)
        assert record.inputs == {"table.parquet": sha256sum(table)}
        assert (tmp_path / name).samefile(table) == same
    table.unlink()
    assert read_in_another_step(tmp_path / "linked.parquet")["id"] == ["a", "b"]
