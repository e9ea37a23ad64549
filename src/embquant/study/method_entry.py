"""The entry of a method, and the methods that its lists of search parameters stand for."""

import re
from itertools import product
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr

from embquant.entries import Entry, mistake


class MethodEntry(Entry):
    """The entry of a method: a codec, and the index in which its codes are searched."""

    codec: str = Field(description="a name of `codecs`")
    index: str = Field(description="kind of index; a table below shows which kinds there are for each family of codecs")
    scoring: Literal["symmetric", "asymmetric"] | None = Field(
        None,
        description="symmetric: the query is quantized as the documents are; asymmetric: it is not; the default is the "
        "index's first",
    )
    build: dict[str, Any] = Field({}, description="parameters of building the index")
    search: dict[str, Any] = Field(
        {},
        description="parameters of searching the index; a list of values makes one method per value, all on one index",
    )

    _index_name: str = PrivateAttr("")
    _written: "MethodEntry | None" = PrivateAttr(None)

    @property
    def index_name(self) -> str:
        """The name of the method that the index is built for; methods of one sweep share it."""
        return self._index_name

    @property
    def written(self) -> "MethodEntry":
        """The entry as it was written, with its lists of search parameters."""
        return self._written or self

    def with_codes(self, codec: str, index_name: str) -> Self:
        """Return the same method on the codes of another codec, in an index of that name."""
        method = self.model_copy(update={"codec": codec})
        method._index_name = index_name
        return method

    def swept(self, name: str) -> dict[str, Self]:
        """Return this method, called ``name``, or one of each combination of the search parameters given as lists."""
        lists = {key: values for key, values in self.search.items() if isinstance(values, list)}
        methods = {}
        for values in product(*lists.values()):
            chosen = dict(zip(lists, values, strict=True))
            method = self.model_copy(update={"search": {**self.search, **chosen}})
            method._index_name, method._written = name, self
            full_name = "-".join([name, *(_worded(f"{key}-{value}") for key, value in chosen.items())])
            if full_name in methods:
                raise mistake(f"there is another method {full_name!r}", name)
            methods[full_name] = method
        if not methods:
            raise mistake(
                f"{next(key for key in lists if not lists[key])} is [], expected at least one", name, "search"
            )
        return methods


def _worded(text: str) -> str:
    """Return a parameter and its value as a piece of a name: lower-case letters, digits and hyphens."""
    return re.sub("[^a-z0-9]", "-", text.lower())


def swept(entries: dict[str, MethodEntry]) -> dict[str, MethodEntry]:
    """Make one method of each combination of search parameters that are given as lists."""
    methods: dict[str, MethodEntry] = {}
    for name, entry in entries.items():
        for full_name, method in entry.swept(name).items():
            if full_name in methods:
                raise mistake(f"there is another method {full_name!r}", name)
            methods[full_name] = method
    return methods
