"""The cores that a process may use: those of its affinity, as far as quotas of control groups allow."""

import os
import subprocess
import sys

import pytest

from embquant.files.machine import machine, usable_cores

CORES = len(os.sched_getaffinity(0))


@pytest.fixture
def cgroups(tmp_path):
    """A folder of control groups without limits, in which a test writes some."""

    def write(own, files):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            file = tmp_path / "mounted" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return usable_cores(tmp_path / "mounted", tmp_path / "own")

    return write


@pytest.fixture
def sixteen(monkeypatch):
    """An affinity of sixteen cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(16)))


def own_group(version):
    """Return what /proc/self/cgroup says of a process in the group /docker/box, and the folder of its quota."""
    lines = {1: "5:memory:/docker/box\n4:cpu,cpuacct:/docker/box\n0::/\n", 2: "0::/docker/box\n"}
    return lines[version], {1: "cpu,cpuacct", 2: "."}[version]


def limit(version, quota, period=100_000):
    """Return the files of a group whose processes may use ``quota`` µs of each ``period``."""
    if version == 2:
        return {"cpu.max": f"{quota} {period}\n"}
    return {"cpu.cfs_quota_us": f"{-1 if quota == 'max' else quota}\n", "cpu.cfs_period_us": f"{period}\n"}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("quota", "cores"), [("max", 16), (200_000, 2), (150_000, 2), (10_000, 1), (400_000, 4), (9_900_000, 16)]
)
@pytest.mark.parametrize("group", ["docker/box", "docker", "."])
def test_a_quota_of_the_group_or_of_one_above_it_limits_the_cores(cgroups, sixteen, version, quota, cores, group):
    own, top = own_group(version)
    files = {f"{top}/{group}/{name}": text for name, text in limit(version, quota).items()}
    assert cgroups(own, files) == cores


@pytest.mark.parametrize("version", [1, 2])
def test_the_least_quota_counts(cgroups, sixteen, version):
    own, top = own_group(version)
    files = {}
    for group, quota in (("docker/box", 800_000), ("docker", 300_000)):
        files |= {f"{top}/{group}/{name}": text for name, text in limit(version, quota).items()}
    assert cgroups(own, files) == 3


def test_a_period_other_than_the_usual_one(cgroups, sixteen):
    assert cgroups("0::/\n", limit(2, 25_000, 5_000)) == 5


def test_groups_of_other_controllers_and_other_processes_limit_nothing(cgroups, sixteen):
    quota = limit(1, 100_000).items()
    files = {f"{top}/other/{name}": text for top in ("cpu,cpuacct", "cpu", "cpuset") for name, text in quota}
    assert cgroups("4:cpu,cpuacct:/docker/box\n3:cpuset:/other\n", files) == 16


def test_version_1_where_the_controllers_have_another_order(cgroups, sixteen):
    """Folders of single controllers are links to that of several."""
    files = {f"cpu/docker/box/{name}": text for name, text in limit(1, 300_000).items()}
    assert cgroups("4:cpuacct,cpu:/docker/box\n", files) == 3


def test_version_2_beside_version_1(cgroups, sixteen):
    assert cgroups("4:memory:/x\n0::/user\n", {f"unified/user/{k}": v for k, v in limit(2, 100_000).items()}) == 1


def test_without_control_groups_the_affinity_counts(cgroups, sixteen, tmp_path):
    assert usable_cores(tmp_path / "none", tmp_path / "nowhere") == 16


@pytest.mark.skipif(CORES < 2, reason="needs two cores to be kept from one")
def test_a_process_bound_to_one_core_has_one_and_says_so():
    script = "from embquant.files import machine as m; print(m.usable_cores()); print(m.machine())"
    command = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), sys.executable, "-c", script]
    cores, described = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    assert cores == "1"
    assert f"1 of {os.cpu_count()} cores" in described


def test_the_report_names_the_cores_that_may_be_used():
    cores = usable_cores()
    assert (f", {cores} cores," if cores == os.cpu_count() else f", {cores} of {os.cpu_count()} cores,") in machine()
