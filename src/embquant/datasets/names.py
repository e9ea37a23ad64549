"""What the name of a file says of its format and its compression; upper and lower case are the same."""

from pathlib import Path

FORMATS = (".parquet", ".jsonl", ".ndjson", ".csv", ".tsv")
"""Formats of tables, by suffix."""

JUDGEMENTS = (".txt", ".qrels", ".trec")
"""Further suffixes of judgements, in TREC's format or tab-separated."""

COMPRESSIONS = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz")
"""Suffixes of compressed text files. In the name of a Parquet file they tell how its pages are compressed."""

PAGES = (".snappy", ".lz4", ".brotli", ".zlib")
"""Further compressions of Parquet's pages that stand in names: corpus.parquet.snappy."""


def file_format(path: Path) -> str:
    """Return the suffix that says the format, the one before that of a compression, in lower case; "" without one."""
    name = _decompressed(path)
    return name.suffix


def compression(path: Path) -> str:
    """Return the suffix that says how a text file is compressed, in lower case; "" if it isn't."""
    return path.suffix.lower() if path.suffix.lower() in COMPRESSIONS else ""


def file_stem(path: Path) -> str:
    """Return the name without the suffixes of format and compression, in lower case."""
    name = _decompressed(path)
    return name.stem if name.suffix in (*FORMATS, *JUDGEMENTS) else name.name


def is_readable(path: Path, judgements: bool = False) -> bool:
    """Whether a file has a format that tables, or ``judgements``, are read from."""
    return file_format(path) in (*FORMATS, *(JUDGEMENTS if judgements else ()))


def readable_names() -> str:
    """Return the suffixes of tables in words."""
    return f"{', '.join(FORMATS)} (but for .parquet perhaps with {', '.join(COMPRESSIONS)})"


def _decompressed(path: Path) -> Path:
    """Return the name, in lower case, without the suffix of a compression."""
    name = Path(path.name.lower())
    parquet = Path(name.stem).suffix == ".parquet"
    return Path(name.stem) if name.suffix in (*COMPRESSIONS, *(PAGES if parquet else ())) else name
