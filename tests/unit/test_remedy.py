"""How errors say that a file is rebuilt: of which study, with which profile, in which folder."""

from pathlib import Path

import pytest

from embquant.errors import InputError
from embquant.files import records
from embquant.files.atomic import read_json, write_json


@pytest.mark.parametrize(
    ("config", "profile", "words"),
    [
        ("my study.yaml", None, "run CONFIG='my study.yaml' ARGS='-- results/made.json'"),
        ("study.yaml", "slurm", "run CONFIG=study.yaml PROFILE=slurm ARGS='-- results/made.json'"),
        ("a$b's.yaml", None, "run CONFIG='a$$b'\"'\"'\\'\"'\"''\"'\"'s.yaml' ARGS='-- results/made.json'"),
    ],
)
def test_advice_holds_in_any_folder_and_names_the_profile(tmp_path, monkeypatch, config, profile, words):
    checkout, elsewhere = tmp_path / "check out", tmp_path / "elsewhere"
    for folder in (checkout / "results", elsewhere):
        folder.mkdir(parents=True)
    (checkout / config).touch()
    made = Path("results", "made.json")
    monkeypatch.chdir(checkout)
    with records.recording(["embquant", "a-step"], config, profile=profile):
        write_json(made, 1)
    made.write_text("2")
    with pytest.raises(InputError) as error:
        read_json(made)
    assert str(error.value).endswith(f"rm -f results/made.json && make {words}")
    (elsewhere / "linked").symlink_to(checkout / "results")
    monkeypatch.chdir(elsewhere)
    for path, shown in ((checkout / made, f"'{checkout / made}'"), (Path("linked/made.json"), "linked/made.json")):
        with pytest.raises(InputError) as error:
            read_json(path)
        assert f"rm -f {shown} && make -C '{checkout}' run" in str(error.value)


def test_a_job_is_told_its_own_run(tmp_path, monkeypatch):
    """Studies share embeddings: the run that needs a file can make it, and the other study may be gone."""
    monkeypatch.chdir(tmp_path)
    with records.recording(["embquant", "a-step"], "gone.yaml"):
        write_json(Path("made.json"), 1)
    Path("made.json").unlink()
    with records.recording(["embquant", "b-step"], "mine.yaml"), pytest.raises(InputError) as error:
        read_json(Path("made.json"))
    assert str(error.value).endswith("rm -f made.json && make run CONFIG=mine.yaml ARGS='-- made.json'")
