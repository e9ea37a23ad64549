"""What is meant for the reader of a terminal: errors, and texts of others that do no harm there."""

import re
from importlib.util import find_spec

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Characters that nobody sees: they steer a terminal, change the order of what is read, or can't be written."""


def harmless(text: str) -> str:
    """Return a text of unknown origin, with an escape such as backslash, x1b for each character of ``UNSEEN``.

    Line feeds and tabs stay; a carriage return before a line feed is left out.
    """
    return UNSEEN.sub(_escaped, text.replace("\r\n", "\n"))


def _escaped(character: re.Match[str]) -> str:
    code = ord(character[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class InputError(Exception):
    """Something the user gave can't be used.

    The message is a single line that says what was wrong, where, what was expected and what to do;
    the command line prints it without a traceback.
    """


class InapplicableError(InputError):
    """A codec or an index can't be made of these vectors. A study leaves its methods out and goes on."""


class MissingPackageError(InputError, ImportError):
    """A package that an extra of this project brings isn't installed."""


def require(extra: str, *modules: str) -> None:
    """Raise a MissingPackageError unless all ``modules`` can be imported.

    ``extra`` is the extra of this project, a key of ``optional-dependencies`` in pyproject.toml, that installs them.
    """
    if missing := missing_modules(*modules):
        names = ", ".join(missing)
        raise MissingPackageError(f"not installed: {names}; to install them: pip install 'embquant[{extra}]'")


def missing_modules(*modules: str) -> list[str]:
    """Return those of ``modules`` that can't be imported, because their package isn't installed."""
    return [module for module in modules if find_spec(module) is None]
