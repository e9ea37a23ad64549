"""Judgements without a header, as TREC has them: query, iteration, document, relevance; or without the iteration."""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from embquant.datasets.lines import numbered_lines
from embquant.datasets.tables import Rows, in_batches
from embquant.errors import InputError


class JudgementsTable:
    """Judgements without a header: query, document and relevance, or TREC's query, iteration, document and relevance.

    Fields are separated by ``separator``, or by white space if it is None; rows are numbered by their line.
    """

    varying = False
    columns: Sequence[str] = ("query-id", "corpus-id", "score")

    def __init__(self, path: Path, width: int, separator: str | None) -> None:
        """Open ``path``, whose lines have ``width`` fields."""
        self.name = str(path)
        self._width, self._separator = width, separator

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """Yield ``columns`` as lists of text."""
        for chunk in in_batches(self._rows(), lambda fields: sum(map(len, fields))):
            values = {column: [fields[self.columns.index(column)] for _, fields in chunk] for column in columns}
            yield Rows(values, f"{self.name}: line", [line for line, _ in chunk])

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        for number, line in numbered_lines(Path(self.name)):
            if not line.strip():
                continue
            fields = _fields(line, self._separator)
            if len(fields) != self._width:
                raise InputError(f"{self.name}: line {number} has {len(fields)} fields, the first has {self._width}")
            yield number, [fields[0], *fields[-2:]]


def headless_width(path: Path, delimiter: str) -> tuple[int, str | None] | None:
    """Return fields per line and separator of judgements without a header; None if the first line is one.

    A first line is no header if it has three or four fields and ends with a number. The separator is ``delimiter``, or
    None for white space, which TREC's format has.
    """
    first = next((line for _, line in numbered_lines(path) if line.strip()), "")
    for separator in (delimiter, None):
        fields = _fields(first, separator)
        if len(fields) in (3, 4) and re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", fields[-1]):
            return len(fields), separator
    return None


def _fields(line: str, separator: str | None) -> list[str]:
    fields = next(csv.reader([line])) if separator == "," else line.split(separator)
    return [field.strip() for field in fields]
