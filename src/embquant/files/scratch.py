"""Copies of mapped files on a node's own disk: random reads from a network file system are slow.

``EMBQUANT_SCRATCH`` names the folder. Variables in its value, such as ``$SLURM_TMPDIR``, are expanded on the node that
runs the job.
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
    """Return the folder for copies, None if the variable isn't set; raises InputError if there is no such folder."""
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
    """Yield a copy of the file ``path`` in the scratch folder, or ``path`` itself if there is no such folder.

    The copy is unlinked in the end. A process that has mapped it by then still reads it, and nothing is left behind.
    """
    folder = scratch_folder()
    if folder is None:
        yield path
        return
    with TemporaryDirectory(dir=folder, prefix="embquant-") as place:
        copy = Path(place, path.name)
        try:
            shutil.copyfile(path, copy)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            reason = f"no room for a copy of {path} ({path.stat().st_size:,} bytes)"
            raise InputError(f"{VARIABLE}: {folder}: {reason}; make room or unset the variable") from None
        yield copy
