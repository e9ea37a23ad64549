"""Entries: typed values with the keys of ``config.yaml``, checked when they are read.

Every mistake is an InputError of one line that says where it is, what was found and what was expected.
"""

from embquant.entries.base import Entry, Expected, NoParameters, Number, is_entry, options_of
from embquant.entries.mistakes import EntryError, mistake, reading
from embquant.entries.read import read_entry, read_kind
from embquant.entries.words import describe, nearest, shown

__all__ = [
    "Entry",
    "EntryError",
    "Expected",
    "NoParameters",
    "Number",
    "describe",
    "is_entry",
    "mistake",
    "nearest",
    "options_of",
    "read_entry",
    "read_kind",
    "reading",
    "shown",
]
