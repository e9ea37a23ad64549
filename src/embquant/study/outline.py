"""What the workflow says of a study: its codecs, its methods, and the settings they are measured at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from embquant.entries import Entry, read_entry
from embquant.quantize.codecs import CodecSpec, parse_codec
from embquant.study.settings import Setting, settings_of


class MethodOutline(Entry):
    """A method: its codec, the kind and name of its index, its rescore stores, the depths it is searched to."""

    codec: str
    index: str
    built: str
    scoring: str
    stores: list[str]
    depths: list[int]
    build: dict[str, Any]
    search: dict[str, Any]

    @property
    def exact(self) -> bool:
        """Whether one search serves all depths."""
        return self.index == "flat"


@dataclass(frozen=True)
class Outline:
    """A study without its datasets and models.

    ``runs``: the folder of its own measurements; ``calibrations``: the files of what ``calibrate`` measures of each
    dataset and model; ``disk_gb``: GB (10⁹ bytes) it may still write, if it says.
    """

    study: str
    runs: str
    calibrations: list[str]
    parts: int
    codecs: dict[str, CodecSpec]
    methods: dict[str, MethodOutline]
    multipliers: list[int]
    top_k: list[int]
    metrics: int
    rounds: int
    single_queries: int
    disk_gb: float | None

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Read what the workflow wrote as JSON."""
        return cls(
            **{
                **values,
                "codecs": {name: parse_codec(spec) for name, spec in values["codecs"].items()},
                "methods": {
                    name: read_entry(MethodOutline, spec, f"methods.{name}") for name, spec in values["methods"].items()
                },
            }
        )

    @property
    def stores(self) -> Sequence[str]:
        """The codecs of which a plain store is built, each once."""
        scanned = [method.codec for method in self.methods.values() if method.index == "flat"]
        return list(dict.fromkeys([*scanned, *(store for method in self.methods.values() for store in method.stores)]))

    @property
    def indexes(self) -> dict[str, MethodOutline]:
        """The indexes that are no plain stores, by name, each with a method that searches it."""
        return {method.built: method for method in self.methods.values() if method.index != "flat"}

    def cells(self, method: str) -> list[Setting]:
        """Return the settings at which a method is measured."""
        return settings_of(self.methods[method].stores, self.multipliers, self.top_k)

    @property
    def settings(self) -> int:
        """How many settings each dataset and model is measured at."""
        return sum(len(self.cells(method)) for method in self.methods)
