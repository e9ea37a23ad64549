"""A Slurm cluster of one machine: Debian's packages, started for a test and stopped after it."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
SETTINGS = Path("/etc/slurm")
"""Where jobs look: they don't inherit SLURM_CONF."""
MARK = "# A test of embquant wrote this file, for its own time.\n"

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
AccountingStorageType=accounting_storage/none
MinJobAge=3600
ReturnToService=2
KillWait=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:1
PartitionName=short Nodes=ALL Default=YES MaxTime=600
PartitionName=long Nodes=ALL MaxTime=INFINITE
"""
GPUS = "Name=gpu File=/dev/null\n"
"""One that is there in name: what is tried is that it is asked for and given out."""
CGROUPS = "CgroupPlugin=cgroup/v1\nConstrainCores=no\nConstrainRAMSpace=no\n"


@dataclass(frozen=True)
class Job:
    """What the controller says of a job."""

    id: str
    comment: str
    state: str
    partition: str
    memory: str
    time_limit: str
    exclusive: bool
    gpus: int


class Cluster:
    """Asks the controller about jobs, and ends them."""

    def jobs(self) -> list[Job]:
        """Return all jobs, those that ended within MinJobAge too, oldest first."""
        lines = said("scontrol", "--oneliner", "show", "jobs").splitlines()
        return [_job(line) for line in lines if line.startswith("JobId=")]

    def cancel(self, job: Job) -> None:
        """End a job as a user would."""
        said("scancel", job.id)

    def is_empty(self) -> bool:
        """Whether no job waits or runs."""
        return not said("squeue", "--noheader")


def said(*command: str) -> str:
    """Run a command and return what it printed."""
    return subprocess.run(command, check=True, text=True, capture_output=True, timeout=30).stdout.strip()


def wait_for(what: str, holds: Callable[[], Any], seconds: float) -> Any:
    """Wait until ``holds`` returns something and return that; a TimeoutError says ``what`` did not happen."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)
    return found


def install() -> None:
    """Install what is missing of Slurm; an OSError says what to do where that can't be done here."""
    if all(map(shutil.which, ("munged", "slurmctld", "slurmd", "sbatch"))):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise OSError(f"Slurm is not installed; on Debian: apt-get install {' '.join(PACKAGES)}")
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-qq"], check=True, **quiet)
    subprocess.run(["apt-get", "install", "-qq", "--no-install-recommends", *PACKAGES], check=True, **quiet)


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Start munged, slurmctld and slurmd, with their files in ``folder``; at the end stop what was started."""
    if os.geteuid() != 0:
        raise OSError("Slurm's daemons have to be started by root")
    if is_set_up():
        raise OSError(f"{SETTINGS}/slurm.conf exists: a Slurm is set up here, which this test is not to disturb")
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    cluster = Cluster()
    with ExitStack() as started:
        started.enter_context(written(SETTINGS / "slurm.conf", MARK + configuration(folder)))
        started.enter_context(written(SETTINGS / "cgroup.conf", CGROUPS))
        started.enter_context(written(SETTINGS / "gres.conf", GPUS))
        if not responds("munge", "--no-input"):
            run_munge = Path("/run/munge")
            run_munge.mkdir(exist_ok=True)
            shutil.chown(run_munge, "munge", "munge")
            user = pwd.getpwnam("munge")
            started.enter_context(daemon(folder, ["munged", "--foreground"], user=user.pw_uid, group=user.pw_gid))
            wait_for("munged answers", lambda: responds("munge", "--no-input"), 20)
        started.enter_context(daemon(folder, ["slurmctld", "-D"]))
        started.enter_context(daemon(folder, ["slurmd", "-D"]))
        wait_for("the node is idle", lambda: responds("sinfo") and "idle" in said("sinfo", "--format=%T"), 60)
        try:
            yield cluster
        finally:
            said("scancel", "--user=root")
            wait_for("all jobs have ended", cluster.is_empty, 60)


def is_set_up() -> bool:
    """Whether somebody set up a Slurm: a file that a killed test left isn't one, as its daemons died with it."""
    file = SETTINGS / "slurm.conf"
    return file.exists() and not file.read_text().startswith(MARK)


def configuration(folder: Path) -> str:
    """Return slurm.conf for this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    with socket.socket() as one, socket.socket() as other:
        ports = [_free_port(one), _free_port(other)]
    return CONFIGURATION.format(
        folder=folder,
        host=socket.gethostname().partition(".")[0],
        controller_port=ports[0],
        node_port=ports[1],
        cpus=os.cpu_count(),
        memory=memory * 9 // 10,
    )


def responds(*command: str) -> bool:
    """Whether a command succeeds."""
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30).returncode == 0


@contextmanager
def written(path: Path, text: str) -> Iterator[None]:
    """Write a file that is there for the time of the context."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def daemon(folder: Path, command: Sequence[str], **options: int) -> Iterator[None]:
    """Run a program beside the test, and end it; if the test is killed, the kernel ends it."""
    with (folder / f"{command[0]}.out").open("w") as output:
        process = subprocess.Popen(["setpriv", "--pdeathsig=KILL", *command], stdout=output, stderr=output, **options)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port(unbound: socket.socket) -> int:
    unbound.bind(("127.0.0.1", 0))
    return unbound.getsockname()[1]


def _job(line: str) -> Job:
    fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
    return Job(
        id=fields["JobId"],
        comment=fields.get("Comment", ""),
        state=fields["JobState"],
        partition=fields["Partition"],
        memory=fields.get("MinMemoryNode", ""),
        time_limit=fields["TimeLimit"],
        exclusive=fields["OverSubscribe"] == "NO",
        gpus=int(fields.get("TresPerJob", "gres:gpu:0").rpartition(":")[2]),
    )
