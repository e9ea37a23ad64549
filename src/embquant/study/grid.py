"""A grid of dimensions and codecs: the codecs and methods that it stands for."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from embquant.entries import Entry, mistake, nearest, read_entry
from embquant.errors import InputError


class Grid(Entry):
    """Dimensions and codecs, each of which is measured with each."""

    dims: list[Annotated[int, Field(ge=1)]] = Field(min_length=1, description="numbers of dimensions that are kept")
    codecs: list[str] = Field(min_length=1, description="names of `codecs`; their transforms come after the reduction")
    by: Literal["pca", "truncate"] = Field("pca", description="the transform that reduces the dimensions")


def with_grid(values: Any) -> Any:
    """Return a configuration as it was written, with a codec and a flat method for each cell of its ``grid``.

    They are called ``{by}-{dim}-{codec}``. A configuration without a grid is returned as it is.
    """
    if not isinstance(values, Mapping) or "grid" not in values:
        return values
    codecs, methods = (values.get(key) for key in ("codecs", "methods"))
    if not isinstance(codecs, Mapping) or not isinstance(methods, Mapping):
        return values  # which is refused as it would be without a grid
    try:
        grid = read_entry(Grid, values["grid"])
    except InputError:
        return values  # the key itself is refused, with its place
    codecs, methods = dict(codecs), dict(methods)
    for name in grid.codecs:
        if not isinstance(codecs.get(name), Mapping):
            raise mistake(f"{name!r} is not defined{nearest(name, codecs)}", "grid", "codecs")
        entry = {**codecs[name]}
        own = entry.pop("transform", [])
        for dim in grid.dims:
            cell = f"{grid.by}-{dim}-{name}"
            if cell in codecs or cell in methods:
                raise mistake(f"there is another codec or method {cell!r}", "grid")
            reduction = {"kind": grid.by, "dim": dim}
            codecs[cell] = {**entry, "transform": [reduction, *(own if isinstance(own, list) else [own])]}
            methods[cell] = {"codec": cell, "index": "flat"}
    return {key: value for key, value in values.items() if key != "grid"} | {"codecs": codecs, "methods": methods}
