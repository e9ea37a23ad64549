"""Write requirements.lock, with the digests of all files of each package, and torch.lock from requirements.in.

python envs/lock.py              keep the locked versions, add what is new, drop what is gone
python envs/lock.py --upgrade    take the newest versions
python envs/lock.py --databases  write databases.lock from databases.in alone: what comes beside the locked packages

pip resolves the packages for the Python that runs this script: run it with the oldest supported one.
Needs nothing but that Python, its pip, and uv (pip install uv), which knows the digests of other platforms' files.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
DIRECT = FOLDER / "requirements.in"
LOCK = FOLDER / "requirements.lock"
UNHASHED = FOLDER / "torch.lock"
DATABASES = FOLDER / "databases.in"
DATABASES_LOCK = FOLDER / "databases.lock"
BUILDS = {"torch"}  # one version in many builds; each machine's index offers one, with a digest of its own
HEADER = """\
# Made by `python envs/lock.py` from envs/requirements.in; don't edit by hand. For Python 3.11 to 3.13.
# torch is in torch.lock.
"""
UNHASHED_HEADER = """\
# Made by `python envs/lock.py`. No digest: each machine takes the build that its index offers, with its companions.
"""
DATABASES_HEADER = """\
# Made by `python envs/lock.py --databases` from envs/databases.in; don't edit by hand. For Python 3.11 to 3.13.
"""
# Required by torch's builds for NVIDIA GPUs alone, at versions which torch pins itself.
PLATFORM_ONLY = re.compile(r"(nvidia|cuda)-.*|triton")


def resolve(upgrade: bool, direct: Path = DIRECT) -> dict[str, str]:
    """Return the version of every package that ``direct`` asks for, directly or not."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept.txt"  # with digests, pip would want one for whatever is new as well
        kept.write_text("" if upgrade else "".join(f"{name}=={version}\n" for name, version in locked()), "utf-8")
        keep = ["--constraint", str(kept)]
        report = Path(folder) / "report.json"
        asked = ["--requirement", str(direct), *keep, "--report", str(report)]
        quietly = ["--quiet", "--quiet", "--disable-pip-version-check"]
        pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", *quietly, *asked]
        subprocess.run(pip, check=True)
        packages = [entry["metadata"] for entry in json.loads(report.read_text("utf-8"))["install"]]
    return {normalized(package["name"]): package["version"] for package in packages}


def normalized(name: str) -> str:
    """Return a package's name the way an index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> list[tuple[str, str]]:
    """Return name and version of every package that is locked now."""
    texts = [path.read_text("utf-8") for path in (LOCK, UNHASHED) if path.exists()]
    return [pin for text in texts for pin in re.findall(r"^([a-z0-9-]+)==([^ \n]+)", text, re.MULTILINE)]


def pins(versions: dict[str, str]) -> list[str]:
    """Return the lines of a lock, without local versions such as ``+cpu``."""
    names = sorted(name for name in versions if not PLATFORM_ONLY.fullmatch(name))
    return [f"{name}=={versions[name].partition('+')[0]}\n" for name in names]


def hashed(lines: list[str]) -> str:
    """Return ``lines``, each with the digests of all files of that version in the public index, for any platform."""
    uv = shutil.which("uv")
    if uv is None:
        sys.exit("lock.py: uv isn't installed, which tells digests: pip install uv")
    alone = ["--no-deps", "--no-header", "--no-annotate", "--no-config", "--quiet"]
    compile_pins = [uv, "pip", "compile", "--generate-hashes", *alone, "--python-version", "3.11", "-"]
    return subprocess.run(compile_pins, check=True, input="".join(lines), stdout=subprocess.PIPE, text=True).stdout


def write_databases() -> None:
    """Write databases.lock: what databases.in takes that requirements.lock doesn't have."""
    known = dict(locked())
    lines = pins({name: version for name, version in resolve(False, DATABASES).items() if name not in known})
    DATABASES_LOCK.write_text(DATABASES_HEADER + hashed(lines), "utf-8")


if __name__ == "__main__":
    if "--databases" in sys.argv[1:]:
        write_databases()
        sys.exit()
    lines = pins(resolve(upgrade="--upgrade" in sys.argv[1:]))
    unhashed = [line for line in lines if line.partition("==")[0] in BUILDS]
    LOCK.write_text(HEADER + hashed([line for line in lines if line not in unhashed]), "utf-8")
    UNHASHED.write_text(UNHASHED_HEADER + "".join(unhashed), "utf-8")
