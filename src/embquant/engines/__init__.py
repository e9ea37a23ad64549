"""Databases as kinds of index: their own quantizers, with parameters in their own words. One database per file."""

from collections.abc import Iterable


def locks(modules: Iterable[str]) -> list[str]:
    """Return the locks of the environment, files of ``envs/``, whose packages a step runs that takes ``modules``."""
    databases = any(module.startswith(f"{__name__}.") for module in modules)
    return ["requirements.lock", "torch.lock", *(["databases.lock"] if databases else [])]
