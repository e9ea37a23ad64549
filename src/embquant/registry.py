"""How a kind is found by its name: one mechanism for codecs, transforms, indexes, sources, backends, metrics, tables.

A kind is known because this package lists it, because another package announces it as a Python entry point, or
because a script registers it. It is imported when it is first asked for, so that no command pays for libraries that it
doesn't use.
"""

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast

from embquant.entries import nearest
from embquant.errors import InputError

Kind = TypeVar("Kind")


class Registry(Generic[Kind]):
    """Kinds of one sort by name."""

    def __init__(self, noun: str, group: str, listed: Mapping[str, str]) -> None:
        """Hold this package's kinds, ``listed`` as name → ``module:attribute``.

        ``noun`` is what an error calls one of them; ``group`` is the group of entry points that may add others.
        """
        self.noun = noun
        self.group = group
        self._places = dict(listed)
        self._loaded: dict[str, Kind] = {}

    def __contains__(self, name: object) -> bool:
        """Whether there is a kind called ``name``."""
        return name in self._loaded or name in self._places or name in self._announced

    def __getitem__(self, name: str) -> Kind:
        """Return the kind called ``name``; an unknown name is an InputError that suggests the nearest one."""
        if name not in self:
            raise InputError(f"{self.noun} {name!r} is not known{nearest(name, self.names())}")
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def names(self) -> list[str]:
        """Return the names of all kinds, this package's first."""
        return list(dict.fromkeys([*self._places, *self._announced, *self._loaded]))

    def register(self, name: str, kind: Kind) -> None:
        """Add a kind for the rest of this process, or replace one."""
        self._loaded[name] = kind

    def module(self, name: str) -> str:
        """Return the module that defines a kind, without importing it if it is listed or announced."""
        if name in self._loaded:
            return str(self._loaded[name].__module__)
        place = self._places[name] if name in self._places else self._announced[name].value
        return place.partition(":")[0]

    def _load(self, name: str) -> Kind:
        if name not in self._places:
            point = self._announced[name]
            try:
                return cast(Kind, point.load())
            except (ImportError, AttributeError) as error:
                package = point.dist.name if point.dist else "another package"
                raise InputError(
                    f"{self.noun} {name!r} of {package} can't be imported ({error}); repair {package}"
                ) from error
        module, _, attribute = self._places[name].partition(":")
        return cast(Kind, getattr(import_module(module), attribute))

    @cached_property
    def _announced(self) -> dict[str, EntryPoint]:
        """The entry points of other packages, by name."""
        return {point.name: point for point in entry_points(group=self.group)}
