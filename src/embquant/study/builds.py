"""Further builds of the indexes that turn out otherwise each time, so that reports can tell by how much.

They, and the methods that search them, have names of their own, which no configuration can give.
"""

import re

BUILDS = 3
"""How often such an index is built."""


def further_builds(name: str) -> list[str]:
    """Return the names of the second build of an index, or of the method on it, and of those after it."""
    return [f"{name}_build{number}" for number in range(2, BUILDS + 1)]


def first_build(name: str) -> str:
    """Return what an index or a method is called in the configuration."""
    return re.sub(r"_build\d+$", "", name)
