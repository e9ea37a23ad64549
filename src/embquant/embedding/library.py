"""Imports sentence-transformers without scikit-learn, which takes a sixth of the time and which no model needs."""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

SPARED = "sklearn.metrics"
"""What sentence-transformers imports at its start, for distances of sparse vectors and for training."""


class _Later(ModuleType):
    """Stands in for a module: a function that is taken from it imports the module once it is called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments: Any, **options: Any) -> Any:
            return getattr(import_module(self.__name__), name)(*arguments, **options)

        return call


def import_sentence_transformers() -> ModuleType:
    """Return the package, imported; in it, functions of scikit-learn import that when they are called."""
    if "sentence_transformers" in sys.modules or SPARED in sys.modules:
        return import_module("sentence_transformers")
    sys.modules[SPARED] = _Later(SPARED)
    try:
        return import_module("sentence_transformers")
    finally:
        del sys.modules[SPARED]
