"""Write requirements.lock from requirements.in.

python envs/lock.py             keep the locked versions, add what is new, drop what is gone
python envs/lock.py --upgrade   take the newest versions

pip resolves the packages for the Python that runs this script: run it with the oldest supported one.
Needs nothing but that Python and its pip.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
DIRECT = FOLDER / "requirements.in"
LOCK = FOLDER / "requirements.lock"
HEADER = """\
# Made by `python envs/lock.py` from envs/requirements.in; don't edit by hand. For Python 3.11 to 3.13.
# torch's own pinned companions for GPUs are left out: they exist only beside some of its builds.
"""
# Required by torch's builds for NVIDIA GPUs alone, at versions which torch pins itself.
PLATFORM_ONLY = re.compile(r"(nvidia|cuda)-.*|triton")


def resolve(upgrade: bool) -> dict[str, str]:
    """Return the version of every package that requirements.in asks for, directly or not."""
    keep = ["--constraint", str(LOCK)] if LOCK.exists() and not upgrade else []
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        asked = ["--requirement", str(DIRECT), *keep, "--report", str(report)]
        quietly = ["--quiet", "--quiet", "--disable-pip-version-check"]
        pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", *quietly, *asked]
        subprocess.run(pip, check=True)
        packages = [entry["metadata"] for entry in json.loads(report.read_text("utf-8"))["install"]]
    return {normalized(package["name"]): package["version"] for package in packages}


def normalized(name: str) -> str:
    """Return a package's name the way an index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lock_text(versions: dict[str, str]) -> str:
    """Return the lock file's content, without local versions such as ``+cpu``."""
    names = sorted(name for name in versions if not PLATFORM_ONLY.fullmatch(name))
    return HEADER + "".join(f"{name}=={versions[name].partition('+')[0]}\n" for name in names)


if __name__ == "__main__":
    LOCK.write_text(lock_text(resolve(upgrade="--upgrade" in sys.argv[1:])), "utf-8")
