"""Progress of a long job: a bar on a terminal, elsewhere a line of JSON in the log every five seconds."""

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sized
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

logger = logging.getLogger(__name__)

LOG_SECONDS = 5.0
"""Time between two lines of the log."""
MARK = "progress "
"""What stands before the JSON in a line of the log."""
TAIL_BYTES = 4096
Window = TypeVar("Window", bound=Sized)


@dataclass(frozen=True)
class Done:
    """How many texts of how many are done, and how many per second on average."""

    done: int
    total: int
    per_second: float


class Progress:
    """Counts the texts that are done."""

    def __init__(self, total: int) -> None:
        """Start to count ``total`` texts."""
        self._total = total
        self._done = 0
        self._start = self._logged = time.monotonic()
        self._bar = tqdm(total=total, unit=" texts", disable=None)

    def advance(self, count: int) -> None:
        """Note that ``count`` more texts are done."""
        self._done += count
        self._bar.update(count)
        now = time.monotonic()
        if self._bar.disable and (now - self._logged >= LOG_SECONDS or self._done == self._total):
            rate = self._done / max(now - self._start, 1e-9)
            logger.info("%s%s", MARK, json.dumps(asdict(Done(self._done, self._total, round(rate, 1)))))
            self._logged = now
        if self._done == self._total:
            self._bar.close()


def track(windows: Iterable[Window], total: int) -> Iterator[Window]:
    """Yield ``windows`` of texts, and count each as done when the next one is asked for."""
    progress = Progress(total)
    for window in windows:
        yield window
        progress.advance(len(window))


def last_progress(log: Path) -> Done | None:
    """Return the last progress that a job wrote to its log; None if it wrote none."""
    lines = [line.partition(MARK)[2] for line in tail(log).splitlines() if MARK in line]
    for line in reversed(lines):
        try:
            return Done(**json.loads(line))
        except (ValueError, TypeError):  # not written in full yet, or not ours
            continue
    return None


def tail(path: Path) -> str:
    """Return the last 4 kB of a text file; nothing if there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
