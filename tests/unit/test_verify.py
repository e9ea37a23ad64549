"""``embquant verify`` on a chain of three files: input → vectors → report."""

import pytest

from embquant.cli import main
from embquant.files import records
from embquant.files.atomic import atomic_path, read_json, write_json


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input.txt").write_text("documents")
    (tmp_path / "results" / "logs").mkdir(parents=True)
    (tmp_path / "results" / "logs" / "a.log").write_text("said")
    make_vectors(tmp_path)
    make_report(tmp_path)
    with records.recording(["embquant", "compare"], "config/other.yaml"):
        write_json(tmp_path / "results" / "reports" / "other" / "summary.json", "made from nothing")
    return tmp_path / "results"


def make_vectors(folder, value=1):
    with records.recording(["embquant", "embed"], "config/mine.yaml"):
        records.note_input(folder / "input.txt")
        write_json(folder / "results" / "facts" / "vectors.json", value)


def make_report(folder):
    with records.recording(["embquant", "compare"], "config/mine.yaml"):
        value = read_json(folder / "results" / "facts" / "vectors.json")
        write_json(folder / "results" / "reports" / "small" / "summary.json", value)


def verified(capsys, folder="results"):
    status = main(["verify", str(folder)])
    return status, capsys.readouterr().out.splitlines()


def test_what_is_as_recorded(results, capsys):
    status, lines = verified(capsys)
    assert status == 0
    assert lines == ["results: 3 files of 0.0 MB, made from 1 file of yours or of a package: all as recorded"]


@pytest.mark.parametrize("folder", ["results", "results/reports/small"])
def test_a_changed_file_is_named_with_the_reports_that_depend_on_it(results, capsys, folder):
    (results / "facts" / "vectors.json").write_text("2\n")
    status, lines = verified(capsys, folder)
    assert status == 1
    assert lines[0].startswith("changed: results/facts/vectors.json: SHA-256 ")
    assert lines[1] == "   the reports in results/reports/small depend on it"
    assert lines[2].endswith("make run CONFIG=config/mine.yaml ARGS='-- results/facts/vectors.json'")
    assert len(lines) == 4


def test_another_study_does_not_depend_on_it(results, capsys):
    (results / "facts" / "vectors.json").write_text("2\n")
    assert verified(capsys, "results/reports/other")[0] == 0


def test_a_missing_file(results, capsys):
    (results / "facts" / "vectors.json").unlink()
    status, lines = verified(capsys, "results/reports/small")
    assert status == 1
    assert lines[0] == "missing: results/facts/vectors.json"


def test_a_missing_file_that_was_not_to_be_kept(results, capsys):
    left = results / "facts" / "left.json"
    with records.recording(["embquant", "embed"], "config/mine.yaml"), atomic_path(left, kept=False) as temporary:
        temporary.write_text("1")
    left.unlink()
    assert verified(capsys)[0] == 0


@pytest.mark.parametrize("folder", ["results", "results/reports/small"])
def test_a_file_without_a_record(results, capsys, folder):
    records.place_of(results / "facts" / "vectors.json").unlink()
    status, lines = verified(capsys, folder)
    assert status == 1
    assert lines[0] == "not recorded: results/facts/vectors.json"
    assert lines[1] == "   the reports in results/reports/small depend on it"


def test_a_report_from_another_version_of_its_input(results, capsys):
    make_vectors(results.parent, 2)
    status, lines = verified(capsys, "results/reports/small")
    assert status == 1
    assert lines[0] == (
        "outdated: results/reports/small/summary.json: made from another results/facts/vectors.json than there is now"
    )
    make_report(results.parent)
    assert verified(capsys, "results/reports/small")[0] == 0


def test_an_input_of_the_user_s_that_was_changed_or_is_gone(results, capsys):
    (results.parent / "input.txt").write_text("other documents")
    status, lines = verified(capsys, "results/reports/small")
    assert status == 1
    assert lines[0].startswith("changed: input.txt: SHA-256 ")
    assert lines[1] == "   the reports in results/reports/small depend on it"
    (results.parent / "input.txt").unlink()
    status, lines = verified(capsys, "results/reports/small")
    assert status == 1
    assert lines[0] == "missing: input.txt: 1 file made from it"


def test_a_record_that_was_changed(results, capsys):
    place = records.place_of(results / "facts" / "vectors.json")
    place.write_text(place.read_text().replace("embed", "embad"))
    status, lines = verified(capsys)
    assert status == 1
    assert lines[0] == "changed: results/facts/.records/vectors.json.json: damaged record"


def test_a_folder_without_results(tmp_path, capsys):
    assert main(["verify", str(tmp_path)]) == 2
    assert main(["verify", str(tmp_path / "nothing")]) == 2
