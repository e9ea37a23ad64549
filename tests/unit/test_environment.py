"""The lock, its mirror for conda and the declared dependencies say the same."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
CONDA_NAMES = {"snakemake-minimal": "snakemake", "pytorch-cpu": "torch", "huggingface_hub": "huggingface-hub"}
PYTHONS = ("3.11", "3.12", "3.13")


def read_requirements(name: str) -> dict[str, Requirement]:
    lines = (re.split(r"[#\\]", line)[0].strip() for line in (ROOT / "envs" / name).read_text("utf-8").splitlines())
    requirements = [Requirement(line) for line in lines if line and not line.startswith("--hash=")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def read_lock() -> dict[str, str]:
    lock = read_requirements("requirements.lock") | read_requirements("torch.lock")
    assert all(re.fullmatch(r"==[0-9][0-9a-z.]*", str(pin.specifier)) for pin in lock.values())
    return {name: str(pin.specifier).removeprefix("==") for name, pin in lock.items()}


def read_conda() -> tuple[dict[str, str], str]:
    """Return the version of every package in environment.yaml by its name in the lock, and the range of Pythons."""
    entries = yaml.safe_load((ROOT / "envs/environment.yaml").read_text("utf-8"))["dependencies"]
    through_pip = next(entry["pip"] for entry in entries if isinstance(entry, dict))
    conda = dict(entry.split(" ") for entry in entries if isinstance(entry, str) and entry != "pip")
    pythons = conda.pop("python")
    versions = {CONDA_NAMES.get(name, name): pin.removeprefix("=") for name, pin in conda.items()}
    return versions | dict(entry.split("==") for entry in through_pip), pythons


def read_project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_conda_has_the_versions_of_the_lock():
    versions, _ = read_conda()
    lock = read_lock()
    assert versions == {name: lock.get(name) for name in versions}


def test_conda_has_every_direct_dependency():
    versions, _ = read_conda()
    assert read_requirements("requirements.in").keys() <= versions.keys()


def test_conda_and_project_admit_the_same_oldest_python():
    _, pythons = read_conda()
    assert pythons.split(",")[0] == read_project()["requires-python"] == f">={PYTHONS[0]}"


def test_every_direct_dependency_is_locked():
    assert read_requirements("requirements.in").keys() <= read_lock().keys()


def test_every_direct_dependency_gives_its_reason():
    lines = (ROOT / "envs/requirements.in").read_text("utf-8").splitlines()
    without = [line for line in lines if line and not line.startswith("#") and "# " not in line]
    assert without == []


def test_every_dependency_of_the_project_is_direct_and_locked_within_its_bounds():
    project = read_project()
    extras = {name: lines for name, lines in project["optional-dependencies"].items() if name != "databases"}
    groups = [project["dependencies"], *extras.values()]
    declared = [Requirement(line) for lines in groups for line in lines if not line.startswith("embquant[")]
    direct, lock = read_requirements("requirements.in"), read_lock()
    assert {canonicalize_name(requirement.name) for requirement in declared} <= direct.keys()
    assert [str(it) for it in declared if not it.specifier.contains(lock[canonicalize_name(it.name)])] == []


def test_databases_are_declared_and_locked_apart():
    declared = [Requirement(line) for line in read_project()["optional-dependencies"]["databases"]]
    direct, lock = read_requirements("databases.in"), read_requirements("databases.lock")
    versions = {name: str(pin.specifier).removeprefix("==") for name, pin in lock.items()}
    assert [str(it) for it in declared if not it.specifier.contains(versions[canonicalize_name(it.name)])] == []
    assert {name: str(it.specifier) for name, it in direct.items()} == {name: f"=={versions[name]}" for name in direct}
    assert lock.keys().isdisjoint(read_lock())
    assert "://" not in (ROOT / "envs/databases.lock").read_text("utf-8")


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_is_complete_and_consistent(python: str):
    """Every locked package finds what it needs among the locked versions, whichever Python it is installed for."""
    lock = read_lock()
    # What packages need is read from the installed ones, which `make env` makes those of the lock.
    assert [name for name in lock if installed(name) != lock[name]] == []
    wrong = [
        f"{name} needs {requirement}"
        for name in lock
        for requirement in needs(name, python)
        if not requirement.specifier.contains(lock.get(canonicalize_name(requirement.name), "0"), prereleases=True)
        or canonicalize_name(requirement.name) not in lock
    ]
    assert wrong == []


def installed(name: str) -> str | None:
    try:
        return Version(version(name)).public
    except PackageNotFoundError:
        return None


def needs(name: str, python: str) -> list[Requirement]:
    environment = default_environment() | {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    requirements = [Requirement(line) for line in distribution(name).requires or []]
    # What torch needs for GPUs differs from build to build, and each build pins it.
    return [
        requirement
        for requirement in requirements
        if (requirement.marker is None or requirement.marker.evaluate(environment))
        and not re.fullmatch(r"(nvidia|cuda)-.*|triton", canonicalize_name(requirement.name))
    ]


def test_every_package_but_torch_is_locked_to_digests():
    text = (ROOT / "envs/requirements.lock").read_text("utf-8")
    entries = re.split(r"\n(?=[a-z])", text.partition("\n\n")[2] or text)[1:]
    assert {re.match("[a-z0-9-]+", entry)[0] for entry in entries} == read_lock().keys() - {"torch"}
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert "://" not in text


def test_nothing_is_locked_that_exists_on_one_platform_only():
    assert [name for name in read_lock() if re.match(r"nvidia|cuda|triton", name)] == []
