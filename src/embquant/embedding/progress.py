"""Progress of a long job: a bar on a terminal, otherwise a line in the log every so often."""

import logging
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

logger = logging.getLogger(__name__)

LOG_SECONDS = 5.0
"""Time between two lines of the log, which the display of a run reads."""
Window = TypeVar("Window", bound=Sized)


class Progress:
    """How many of ``total`` items are done, and how fast."""

    def __init__(self, total: int, unit: str) -> None:
        """Start counting ``total`` items, called ``unit``."""
        self._total = total
        self._unit = unit
        self._done = 0
        self._start = self._logged = time.monotonic()
        self._bar = tqdm(total=total, unit=f" {unit}", disable=None)

    def advance(self, count: int) -> None:
        """Note that ``count`` more items are done."""
        self._done += count
        self._bar.update(count)
        now = time.monotonic()
        if self._bar.disable and (now - self._logged >= LOG_SECONDS or self._done == self._total):
            rate = self._done / max(now - self._start, 1e-9)
            left = (self._total - self._done) / rate
            logger.info("%d of %d %s, %.1f a second, %.0f s left", self._done, self._total, self._unit, rate, left)
            self._logged = now
        if self._done == self._total:
            self._bar.close()


def track(windows: Iterable[Window], total: int, unit: str) -> Iterator[Window]:
    """Yield ``windows`` and report how many of ``total`` items are done when the next one is asked for."""
    progress = Progress(total, unit)
    for window in windows:
        yield window
        progress.advance(len(window))
