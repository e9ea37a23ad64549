"""The command ``prepare-dataset``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from embquant.datasets.prepare import write_dataset
from embquant.datasets.spec import SOURCES, parse_dataset
from embquant.files.atomic import new_folder, write_json
from embquant.files.provenance import environment, source_digest
from embquant.files.records import note_input


def prepare_dataset(
    *,
    name: Annotated[str, "name of the dataset"],
    entry: Annotated[Mapping[str, Any], "its entry in the configuration"],
    pool: Annotated[Sequence[Path], "folders of prepared datasets, for source: pooled"] = (),
    output: Annotated[Path, "folder to write to"],
) -> dict[str, Any]:
    """Read and check a corpus, queries and judgements.

    Writes corpus.parquet, queries.parquet, qrels.parquet and, last, dataset.json, which marks a complete dataset and
    whose content is returned. If anything is wrong with the input, an InputError says what, and nothing is written.
    """
    source = parse_dataset(entry)
    for path in source.input_files():
        note_input(path)
    collection = source.open(pool)
    with new_folder(output.parent), TemporaryDirectory(prefix=".staging-", dir=output.parent) as staging:
        description = write_dataset(name, collection, Path(staging) / "corpus.parquet", output)
    description["source"] = {**entry}
    description["provenance"] = {
        "origin": collection.origin,
        "code": source_digest("embquant.steps.prepare_dataset", SOURCES.module(entry["source"])),
        "environment": environment(["datasets", "numpy", "pyarrow"]),
    }
    write_json(output / "dataset.json", description)
    return description
