"""``collect-ids``: the ids of a corpus in row order, for the indexes, which know rows only."""

import argparse
from pathlib import Path

import pyarrow as pa

from embquant.files.parquet import read_batches, write_parquet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``collect-ids``."""
    parser.add_argument("--corpus", required=True, type=Path, help="corpus of the dataset")
    parser.add_argument("--output", required=True, type=Path, help="ids (Parquet: id)")


def run(arguments: argparse.Namespace) -> None:
    """Copy the column, a row group at a time."""
    write_parquet(arguments.output, pa.schema([("id", pa.string())]), read_batches(arguments.corpus, ["id"]))
