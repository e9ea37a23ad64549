"""The lines of text files, compressed or not, in bounded memory."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from embquant.datasets.names import compression
from embquant.errors import InputError

LONGEST_LINE = 1 << 27
"""Most bytes per line and characters per field: a small compressed file can hold a line that fits into no memory."""

BLOCK_BYTES = 1 << 16

PROGRAMS = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bzip2", ".xz": "xz"}
"""What compresses a file, by its suffix."""

DAMAGES = (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException)
"""What reading a damaged compressed file raises, besides OSError."""


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text file with their numbers from 1; anything but UTF-8 is an InputError.

    A line keeps its end: line feed, carriage return, or both. A byte-order mark is left out.
    """
    number, compressed = 0, compression(path)
    try:
        with _opened(path, compressed) as handle:
            for number, line in enumerate(_split(handle), start=1):
                if len(line) > LONGEST_LINE:
                    raise InputError(
                        f"{path}: line {number} is longer than {LONGEST_LINE >> 20} MiB, the limit; shorten its texts"
                    )
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: line {number} is not UTF-8 text ({error.reason}); convert the file") from None
    except (*DAMAGES, OSError) as error:
        if not compressed:
            raise
        raise InputError(f"{path}: damaged {PROGRAMS[compressed]} file after line {number} ({error})") from None


def _opened(path: Path, compressed: str) -> IO[bytes]:
    program = PROGRAMS.get(compressed, "")
    if program == "zstd":
        return io.BufferedReader(pa.CompressedInputStream(str(path), "zstd"))
    openers: dict[str, Any] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
    handle: IO[bytes] = openers.get(program, open)(path, "rb")
    return handle


def _split(handle: IO[bytes]) -> Iterator[bytes]:
    """Yield lines with their ends; what is longer than a line may be is cut soon after, which the caller refuses."""
    pending = bytearray()
    for block in iter(lambda: handle.read(BLOCK_BYTES), b""):
        if pending.endswith(b"\r") and not block.startswith(b"\n"):
            yield bytes(pending)
            pending.clear()
        lines = block.splitlines(keepends=True)
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        for line in lines:
            yield bytes(pending + line) if pending else line
            pending.clear()
        pending += rest
        if len(pending) > LONGEST_LINE:
            break
    if pending:
        yield bytes(pending)
