"""The errors that are meant for the reader of a terminal."""

from importlib.util import find_spec


class InputError(Exception):
    """Something the user gave can't be used.

    The message is a single line that says what was wrong, where, what was expected and what to do;
    the command line prints it without a traceback.
    """


class MissingPackageError(InputError, ImportError):
    """A package that an extra of this project brings isn't installed."""


def require(extra: str, *modules: str) -> None:
    """Raise a MissingPackageError unless all ``modules`` can be imported.

    ``extra`` is the extra of this project, a key of ``optional-dependencies`` in pyproject.toml, that installs them.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        names = ", ".join(missing)
        raise MissingPackageError(f"not installed: {names}; to install them: pip install 'embquant[{extra}]'")
