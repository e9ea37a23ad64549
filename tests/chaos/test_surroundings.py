"""What lies around a run: no network, another run, a read-only input, odd paths, another locale and umask."""

import json
import shutil
import subprocess

import pytest
import yaml

from support.runs import STAGES, Study, ended, job_of
from support.small_study import new_checkout

HUB = {
    "source": "huggingface",
    "corpus": {"repository": "team/beir", "configuration": "corpus", "split": "corpus"},
    "queries": {"repository": "team/beir", "configuration": "queries", "split": "queries"},
    "retries": 0,
}
ALONE = ("unshare", "--net")


def test_without_a_network_local_data_and_weights_are_all_it_takes(undisturbed, finished):
    for stage in ("prepare_dataset", "prepare_model", "embed_queries"):
        (finished.folder / STAGES[stage]).unlink()
    done = finished.run(before=ALONE, HF_HUB_OFFLINE="0")
    assert done.status == 0, done.output
    assert finished.reports() == undisturbed.reports()
    assert "etrying" not in done.output


@pytest.mark.long
def test_without_a_network_a_hub_is_tried_again_and_again_and_then_the_error_says_what_to_do(fresh, tmp_path):
    command = ["prepare-dataset", "--name", "hub", "--entry", json.dumps(HUB), "--output", "results/hub"]
    failed = fresh.embquant(*command, before=ALONE, HF_HUB_OFFLINE="0", HF_HOME=str(tmp_path / "home"))
    assert failed.status == 2
    waits = [line.partition("Retrying in ")[2] for line in failed.output.splitlines() if line.startswith("Retrying in")]
    assert [wait.split()[0] for wait in waits[:3]] == ["1s", "2s", "4s"], failed.output
    assert failed.last.startswith("embquant: error: team/beir, corpus, corpus: Couldn't reach 'team/beir' on the Hub")
    assert "connect to the network" in failed.last
    assert not (fresh.folder / "results" / "hub").exists()


def test_of_two_studies_at_once_the_second_is_refused_and_the_first_ends_as_ever(undisturbed, finished):
    shutil.rmtree(finished.folder / "results" / "reports")
    study = yaml.safe_load((finished.folder / "study.yaml").read_text())
    shared = {**study, "study": "second"}
    apart = {**shared, "datasets": {"others": {"source": "files", "path": "input"}}}
    given = {"given": {"type": "precomputed", "corpus": "nowhere.parquet"}}  # so that they share no model either
    for name, config in {"shared": shared, "apart": {**apart, "models": given}}.items():
        (finished.folder / f"{name}.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    first = finished.start()
    assert job_of(first, "search_index") is not None
    for name in ("shared", "apart"):
        refused = finished.run(config=f"{name}.yaml")
        assert refused.status != 0
        assert "embquant: error: another run is at work in this folder (study small, process" in refused.last
        assert "wait for it to end, then run again" in refused.last
    done = ended(first)
    assert done.status == 0, done.output
    assert finished.reports() == undisturbed.reports()
    assert not (finished.folder / "results" / "reports" / "second").exists()


@pytest.mark.long
def test_read_only_input_a_path_with_spaces_and_umlauts_the_c_locale_and_a_strict_umask(undisturbed, tmp_path):
    study = Study(new_checkout(tmp_path / "Ablage für Läufe – zwei" / "die Studie").folder)
    given = study.folder / "input"
    subprocess.run(["mount", "--bind", str(given), str(given)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(given)], check=True)
        strict = ("bash", "-c", 'umask 077; exec "$@"', "bash")
        done = study.run(before=strict, LC_ALL="C", LANG="C")
        assert done.status == 0, done.output
        again = study.run(before=strict, LC_ALL="C", LANG="C")
    finally:
        subprocess.run(["umount", "--lazy", str(given)], check=True)
    assert "Nothing to be done" in again.output
    assert study.reports() == undisturbed.reports()
    written = [path for path in (study.folder / "results").rglob("*") if path.is_file()]
    assert written
    assert {path.name for path in written if path.stat().st_mode & 0o077} == set()
    verified = study.embquant("verify", "results", LC_ALL="C")
    assert verified.status == 0, verified.output
