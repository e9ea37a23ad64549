"""Imports sentence-transformers without what no model needs of scikit-learn and SciPy: a fifth of the time."""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

SPARED = ("sklearn.metrics", "scipy.optimize")
"""What it imports at its start, for distances of sparse vectors and for training, also that of object detectors."""


class _Later(ModuleType):
    """Stands in for a module: a function that is taken from it imports the module once it is called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments: Any, **options: Any) -> Any:
            return getattr(import_module(self.__name__), name)(*arguments, **options)

        return call


def import_sentence_transformers() -> ModuleType:
    """Return the package, imported; in it, functions of ``SPARED`` import their module when they are called."""
    spared = [] if "sentence_transformers" in sys.modules else [name for name in SPARED if name not in sys.modules]
    sys.modules.update((name, _Later(name)) for name in spared)
    try:
        return import_module("sentence_transformers")
    finally:
        for name in spared:
            del sys.modules[name]
