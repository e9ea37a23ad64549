"""Copies on a node's own disk: what is mapped from a network file system is read at random, and slowly.

``EMBQUANT_SCRATCH`` names the folder. Variables in it, such as ``$SLURM_TMPDIR``, are those of the node that a job
runs on.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from embquant.errors import InputError

VARIABLE = "EMBQUANT_SCRATCH"


def scratch_folder() -> Path | None:
    """Return the folder for copies, None where no variable names one; one that isn't there is an InputError."""
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder = Path(os.path.expandvars(named))
    if not folder.is_dir():
        expanded = "" if str(folder) == named else f" ({named})"
        raise InputError(f"{VARIABLE}: {folder}{expanded} is no folder on this machine; make it or unset the variable")
    return folder


@contextmanager
def nearby(path: Path) -> Iterator[Path]:
    """Yield a copy of the file ``path`` in the scratch folder, ``path`` itself where there is none.

    The copy loses its name in the end. Whoever has mapped it by then still reads it, and nothing is left to remove.
    """
    folder = scratch_folder()
    if folder is None:
        yield path
        return
    with TemporaryDirectory(dir=folder, prefix="embquant-") as own:
        copy = Path(own, path.name)
        try:
            shutil.copyfile(path, copy)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            reason = f"no room for a copy of {path} ({path.stat().st_size:,} bytes)"
            raise InputError(f"{VARIABLE}: {folder}: {reason}; make room or unset the variable") from None
        yield copy
