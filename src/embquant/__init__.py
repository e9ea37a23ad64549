"""Measures what quantizing embeddings costs in retrieval quality and saves in memory and time.

Public names, each imported when it is first used:

- ``evaluate``: measure methods on arrays, in one process.
- ``Retriever``: open an index that a run has built, and search it.
- ``Study``: what follows from a configuration: methods, settings, files.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embquant.arrays import evaluate
    from embquant.retrieve.retriever import Retriever
    from embquant.study.study import Study

__version__ = "0.1.0"

_MODULES = {
    "Retriever": "embquant.retrieve.retriever",
    "Study": "embquant.study.study",
    "evaluate": "embquant.arrays",
}

__all__ = ["Retriever", "Study", "__version__", "evaluate"]


def __getattr__(name: str) -> Any:
    """Import a public name; the package itself imports nothing, so that every command starts quickly."""
    if name not in _MODULES:
        raise AttributeError(f"embquant has no {name!r}")
    return getattr(import_module(_MODULES[name]), name)
