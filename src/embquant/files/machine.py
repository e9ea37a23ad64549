"""What this process may use of its machine. ``python -m embquant.files.machine`` prints the number of its cores."""

import os
import platform
from math import ceil
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def usable_cores(cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> int:
    """Return how many cores this process may use: by its affinity, and by the quotas of its control groups.

    Containers and job schedulers set quotas. A quota of part of a core counts as a core. ``cgroups`` is where the
    groups' folders are mounted, ``own`` says which groups the process is in. Version 2 of control groups writes a quota
    to ``cpu.max``, version 1 to ``cpu.cfs_quota_us``: https://docs.kernel.org/admin-guide/cgroup-v2.html,
    https://docs.kernel.org/scheduler/sched-bwc.html.
    """
    quotas = [quota for folder in _folders(cgroups, own) if (quota := _quota(folder)) is not None]
    return ceil(min([len(os.sched_getaffinity(0)), *quotas]))


def machine() -> str:
    """Describe the processor, the cores that may be used and the operating system in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = (line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line)
        model = next(names, model)
    cores, all_cores = usable_cores(), os.cpu_count()
    count = f"{cores} cores" if cores == all_cores else f"{cores} of {all_cores} cores"
    return f"{model}, {count}, {platform.system()} {platform.machine()}"


def _folders(cgroups: Path, own: Path) -> set[Path]:
    """Return the folders of the groups that limit this process: its own and those above, of each version.

    In a container the paths in ``own`` may be those of the host, which aren't mounted; the topmost one always is.
    """
    if not own.is_file():
        return set()
    folders: set[Path] = set()
    for line in own.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        inside = Path(path.lstrip("/"))
        for top in (cgroups / controllers, cgroups / "cpu") if controllers else (cgroups, cgroups / "unified"):
            folders |= {top / group for group in (inside, *inside.parents)}
    return folders


def _quota(folder: Path) -> float | None:
    """Return how many cores the processes of a group may use together; None without a limit."""
    quota, period = "max", "1"
    if (folder / "cpu.max").is_file():
        quota, period = (folder / "cpu.max").read_text().split()
    elif (folder / "cpu.cfs_quota_us").is_file():
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
    return None if quota in ("max", "-1") else int(quota) / int(period)


if __name__ == "__main__":
    print(usable_cores())
