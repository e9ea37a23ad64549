"""The command ``prepare-model``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from embquant.embedding.given import check_files
from embquant.embedding.prepare import prepare_text_model
from embquant.embedding.spec import PrecomputedSpec, TextModelSpec, parse_model
from embquant.errors import InputError
from embquant.files.atomic import new_folder, write_json


def prepare_model(
    *,
    name: Annotated[str, "name of the model in the study"],
    entry: Annotated[Mapping[str, Any], "its entry in the configuration"],
    datasets: Annotated[Sequence[str], "datasets that {dataset} in a path stands for"] = (),
    output: Annotated[Path, "folder for model.json and a converted graph"],
) -> None:
    """Find a model, check it and choose what runs it."""
    spec = parse_model(entry)
    if isinstance(spec, TextModelSpec):
        with new_folder(output):
            described = prepare_text_model(spec, output)
    elif isinstance(spec, PrecomputedSpec):
        check_files(spec, list(datasets))
        described = spec.model_dump()
    else:
        raise InputError(f"model {name}: no step prepares models of type {spec.type!r}")
    write_json(output / "model.json", {"model": name, **described})
