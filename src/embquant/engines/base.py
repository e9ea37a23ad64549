"""What the databases have in common: a folder of files that is kept as one snapshot, and queries asked one by one."""

import errno
import logging
import shutil
import subprocess
import weakref
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar, Self

import numpy as np

from embquant.errors import InputError, MissingPackageError, missing_modules
from embquant.exact.topk import best
from embquant.files.atomic import NO_SPACE, disk_is_full, require_room
from embquant.files.scratch import scratch_folder
from embquant.indexes.base import Index
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, CodecSpec

log = logging.getLogger(__name__)

EMPTY = 64 << 20
"""Bytes that an empty database takes, at most, or one that is opened writes."""
ALIKE = ("--sparse", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner")
"""Options of tar by which equal files give equal archives, and holes in files take no room."""


class Engine(Index[Codec]):
    """A database that stores float32 vectors, quantizes them itself and is searched through its own client.

    The index file is a tar archive of the database's folder, so that it appears whole and has one digest. It is
    unpacked beside itself when it is opened. The database gets the vectors in row order; its ids are the rows.
    """

    suffix = ".tar"
    has_overhead = True
    is_database = True

    maps_files: ClassVar[bool] = False
    """Whether it writes through mapped files: a full disk would end the process without a word."""

    overhead: ClassVar[float] = 1.0
    """Bytes that a document takes beside its vector, at most, for the plan of a study; the unit is the vector's."""

    close: Callable[[], None]
    """Lets go of the folder's files and stops what was started; must not refer to the engine, which it outlives."""

    breadths: ClassVar[tuple[str, ...]] = ()
    """The search parameters that only decide how many of the codes are looked at."""

    originals_in: ClassVar[tuple[str, ...]] = ()
    """The files with the vectors that it was given, as patterns of paths in its folder."""
    searched_in: ClassVar[tuple[str, ...]] = ()
    """The files that it made of them to search: codes, a graph, lists."""

    folder: Path
    """Where its files lie."""

    @classmethod
    @abstractmethod
    def create(cls, folder: Path, vectors: Batches, parameters: Any) -> None:
        """Make the database of ``vectors`` in the empty ``folder``; nothing of it runs any more on return."""

    @abstractmethod
    def __init__(self, folder: Path, parameters: Any) -> None:
        """Open the database in ``folder``, to be searched as ``parameters`` say."""

    @abstractmethod
    def find(self, query: np.ndarray, k: int) -> tuple[Sequence[int], Sequence[float]]:
        """Return rows and scores (greater is better) of up to k documents for one ``query``, float32 (dim,)."""

    @abstractmethod
    def count(self) -> int:
        """Return the number of rows, as the database counts them."""

    @classmethod
    def file_bytes(cls, documents: int, codec: CodecSpec, dim: int, build: Any) -> float:
        """Return a bound for the plan: the vectors, and ``overhead`` times as much beside them."""
        return cls._most_bytes(documents * codec.code_bytes(dim))

    @classmethod
    def same_codes(cls, build: Any, search: Any) -> tuple[Any, ...]:
        """Return what decides the scores of codes: all but the parameters that say how many are looked at."""
        return build.model_dump(), search.model_dump(exclude=set(cls.breadths))

    @classmethod
    def build(cls, codec: Codec, codes: Batches, path: Path, parameters: Any) -> None:
        """Make the database in a folder beside ``path`` and pack it."""
        cls.require_packages()
        if cls.maps_files:
            require_room(path.parent, cls._most_bytes(codes.rows * codes.dim * np.dtype(np.float32).itemsize))
        folder = Path(mkdtemp(prefix=".staging-", dir=path.parent))
        try:
            cls.create(folder, codes, parameters)
            tar("--create", "--file", path, *ALIKE, "--directory", folder, ".")
        except InputError:
            raise
        except Exception as error:
            if disk_is_full(error, folder):
                raise OSError(errno.ENOSPC, NO_SPACE, str(path)) from error
            raise InputError(f"{path}: {cls.engine} can't build it ({error})") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @classmethod
    def open(cls, path: Path, codec: Codec, threads: int, parameters: Any, mapped: bool = False) -> Self:
        """Unpack the database beside ``path`` and open it; it uses as many threads as it likes."""
        cls.require_packages()
        if not Path(path).is_file():
            raise InputError(f"{path}: no such file")
        beside = scratch_folder() or Path(path).parent
        if cls.maps_files:
            require_room(beside, Path(path).stat().st_size + EMPTY)
        folder = Path(mkdtemp(prefix=".staging-", dir=beside))
        try:
            tar("--extract", "--file", path, "--directory", folder)
            database = cls(folder, parameters)
        except Exception as error:
            full = disk_is_full(error, folder)
            shutil.rmtree(folder)
            if isinstance(error, InputError):
                raise
            if full:
                raise OSError(errno.ENOSPC, NO_SPACE, str(beside)) from error
            raise InputError(f"{path}: not a readable snapshot ({error}); delete it and run again") from error
        database.folder = folder
        weakref.finalize(database, _leave, database.close, folder)
        return database

    def bytes_elsewhere(self) -> tuple[int, int]:
        """Return no bytes of other processes, and those in memory of the files in its folder that are mapped."""
        resident, inside = 0, False
        with Path("/proc/self/smaps").open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if not line[0].isupper():  # a mapping: its addresses, and perhaps its file
                    inside = str(self.folder.resolve()) in line
                elif inside and line.startswith("Rss:"):
                    resident += 1024 * int(line.split()[1])
        return 0, resident

    def kept_bytes(self) -> dict[str, int]:
        """Return the bytes on disk of the vectors that it was given, and of what it made of them to search."""
        return {
            "originals_bytes": _bytes_on_disk(self.folder, self.originals_in),
            "searched_bytes": _bytes_on_disk(self.folder, self.searched_in),
        }

    @classmethod
    def _most_bytes(cls, vectors: float) -> float:
        """Return a bound for the bytes of its folder, by those of its vectors."""
        return vectors * (1 + cls.overhead) + EMPTY

    @classmethod
    def require_packages(cls) -> None:
        """Raise a MissingPackageError unless the database's packages are installed."""
        if missing := missing_modules(*cls.packages):
            raise MissingPackageError(f"not installed: {', '.join(missing)}; to install the databases: make databases")

    @cached_property
    def _documents(self) -> int:
        return self.count()

    def __len__(self) -> int:
        """Return the number of documents; they are counted once, because that takes as long as a search or longer."""
        return self._documents

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Ask one query after another."""
        k = min(k, len(self))
        scores, rows = np.full((len(queries), k), -np.inf), np.full((len(queries), k), -1)
        for place, query in enumerate(queries):
            found, values = self.find(query, k)
            rows[place, : len(found)], scores[place, : len(found)] = found, values
        return best(scores, rows, k)


def numbered(vectors: Batches, at_once: int) -> Iterator[tuple[range, np.ndarray]]:
    """Yield at most ``at_once`` ``vectors`` at a time, contiguous float32 (rows, dim), with their rows."""
    first = 0
    for batch in vectors:
        for start in range(0, len(batch), at_once):
            some = np.ascontiguousarray(batch[start : start + at_once])
            yield range(first, first + len(some)), some
            first += len(some)


def tar(*arguments: str | Path) -> None:
    """Run tar, which keeps the holes of files; what goes wrong is a RuntimeError with its words."""
    program = shutil.which("tar")
    if program is None:
        raise InputError("tar: no such program; install it (Debian and Ubuntu: apt-get install tar)")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().partition("\n")[0])


def _bytes_on_disk(folder: Path, patterns: Iterable[str]) -> int:
    """Return the bytes that files take; holes take none."""
    files = (file for pattern in patterns for file in folder.glob(pattern) if file.is_file())
    return sum(512 * file.stat().st_blocks for file in files)


def _leave(close: Callable[[], None], folder: Path) -> None:
    try:
        close()
    except InputError as error:  # nobody would catch it: this is called when the engine is forgotten
        log.error("%s", error)
    shutil.rmtree(folder, ignore_errors=True)
