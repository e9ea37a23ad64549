"""What a database has to do to be equal to a setting, and what one answers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from embquant.quantize.codecs import CodecSpec, parse_codec
from embquant.study.method import StudyMethod

QUERY = "[...]"
"""What stands for a query's numbers in JSON."""

BITS = ("rabitq", "eden", "turboquant", "osq")
"""Families whose codes have as many bits per dimension as their entry says."""

GRAPH = (16, 128, 64)
"""Edges per node, candidates compared to choose them, and of a search: of a graph that stands for lists or a scan."""


FLOATS = ("float32", "float16", "bfloat16")
"""Families that a database stores as a type of numbers, and not as codes beside the originals."""


class NoEqual(Exception):
    """Says why a database can't do what is equal to a setting."""


@dataclass(frozen=True)
class Wanted:
    """What a setting does, as a database has to do it with vectors of ``dim`` dimensions.

    ``index`` is flat, hnsw or ivf; ``graph`` has the edges per node, the candidates compared to choose them and those
    kept in a search, at least as many as are found; ``lists`` their number, and how many are searched. ``goes_on`` is
    the number of candidates that a search of pgvector starts with and goes on from until enough are found; None if it
    doesn't go on. ``store`` is what candidates are rescored with, None if they aren't. ``own`` is the quantizer in the
    words of the database that runs it, where no codec is like it; ``codec`` is float32 then.
    """

    codec: CodecSpec
    dim: int
    top_k: int
    symmetric: bool = False
    index: str = "flat"
    graph: tuple[int, int, int] = GRAPH
    lists: tuple[int, int] = (1, 1)
    store: CodecSpec | None = None
    multiplier: int = 1
    goes_on: int | None = None
    own: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls, method: StudyMethod, store: CodecSpec | None, multiplier: int, top_k: int, corpus: tuple[int, int]
    ) -> Self:
        """Return what ``method`` does in a ``corpus`` of so many documents and dimensions."""
        documents, dim = corpus
        if method.codec.family.family == "float32":
            store = None  # which would rank by the same numbers
        index = "flat" if method.entry.index == "fastscan" else method.entry.index
        graph, lists = GRAPH, (1, 1)
        if index == "hnsw":
            graph = (method.build.connectivity, method.build.expansion_add, method.search.expansion_search)
        if index == "ivf":
            lists = (method.build.count(documents), method.search.nprobe)
        return cls(
            method.codec,
            method.codec.quantized_dim(dim),
            top_k,
            method.scoring == "symmetric",
            index,
            (*graph[:2], max(graph[2], top_k * multiplier)),
            lists,
            store,
            multiplier,
        )

    @classmethod
    def said(cls, codec: Mapping[str, Any], dim: int, top_k: int, store: str | None = None, **how: Any) -> Self:
        """Return what a database does that has the quantizer of the entry ``codec``; ``store`` is a family.

        ``how`` has the other fields. A ``graph`` counts for an ``index`` hnsw alone.
        """
        again = parse_codec({"family": store}) if store else None
        edges, compared, kept = how.pop("graph", GRAPH) if how.get("index") == "hnsw" else GRAPH
        graph = (edges, compared, max(kept, top_k * how.get("multiplier", 1)))
        return cls(parse_codec(codec), dim, top_k, store=again, **how | {"graph": graph})

    @property
    def code(self) -> str:
        """The codec's family, with the bits per dimension where a family has several: ``osq-1``."""
        if self.own:
            return json.dumps(self.own)
        family = self.codec.family.family
        return f"{family}-{self.codec.parameters.bits}" if family in BITS else family

    @property
    def pieces(self) -> int:
        """The pieces that a product quantizer cuts vectors into."""
        return int(self.codec.parameters.pieces)

    @property
    def candidates(self) -> int:
        """The documents that the first search finds."""
        return self.top_k * self.multiplier

    def quantizer(self, offered: Mapping[str, tuple[Any, str]]) -> tuple[Any, list[str]]:
        """Return what a database has for the codec's code, and how that differs, if it does.

        ``offered`` maps codes to both.
        """
        if self.code not in offered:
            raise NoEqual(f"it has nothing like {self.code}")
        found, difference = offered[self.code]
        return found, [difference] if difference else []

    def signs(self, float_queries: str = "", threshold: str = "zero") -> list[str]:
        """Return how a database's sign bits differ.

        ``float_queries`` is how it compares floats with bits, if it does; ``threshold`` is its own.
        """
        names = {"zero": "zero", "mean": "the mean", "median": "the median"}
        own = self.codec.parameters.threshold
        if (own, threshold) == ("zero", "mean") and any(made.name == "center" for made in self.codec.transforms):
            own = threshold  # the mean of centred vectors is zero
        differs = [] if own == threshold else [f"a threshold of {names[threshold]} instead of {names[own]}"]
        return differs if self.symmetric else [*differs, float_queries or "queries are quantized to bits, too"]

    def originals(self, types: Mapping[str, str]) -> tuple[str, list[str]]:
        """Return the type of the vectors that candidates are rescored with, and how it differs, if it does.

        ``types`` maps families to a database's types, the coarsest first; float32 is among them.
        """
        if self.store is None:
            return types["float32"], []
        family = self.store.family.family
        if family in types:
            return types[family], []
        nearest = "float32" if self.store.bits > 16 else next(iter(types))
        return types[nearest], [f"candidates are rescored with {nearest} instead of {family}"]

    def without_lists(self) -> list[str]:
        """Return the difference of a database that has a graph, but no lists."""
        return ["a graph instead of lists"] if self.index == "ivf" else []

    def without_scan(self) -> list[str]:
        """Return the difference of a database that has a graph alone for such codes."""
        return ["a graph instead of a scan"] if self.index == "flat" else []


@dataclass(frozen=True)
class Equal:
    """What is equal to a setting in a database's own language, and in which respects it ``differs``."""

    text: str
    differs: Sequence[str] = ()


@dataclass(frozen=True)
class Database:
    """A database: the ``language`` of its texts, and what finds the equal of a setting.

    ``engine`` is the kind of index that runs it, if there is one; ``understood`` returns what a method of that kind
    does with vectors of so many dimensions for a ``top_k``.
    """

    name: str
    language: str
    equal: Callable[[Wanted], Equal]
    engine: str = ""
    understood: Callable[[StudyMethod, int, int], Wanted] | None = None


def request(line: str, body: Mapping[str, Any]) -> str:
    """Return a request of a REST interface: its first line, and its body as JSON."""
    return f"{line}\n{json.dumps(body, indent=2)}".replace(f'"{QUERY}"', QUERY)
