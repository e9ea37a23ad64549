"""Progress of a long job: a bar on a terminal, otherwise a line in the log every so often."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

logger = logging.getLogger(__name__)

LOG_SECONDS = 30.0
Window = TypeVar("Window")


def track(windows: Iterable[Window], total: int, unit: str, size: Callable[[Window], int] = len) -> Iterator[Window]:
    """Yield ``windows`` and report how many of ``total`` items are done when the next one is asked for."""
    start = logged = time.monotonic()
    done = 0
    with tqdm(total=total, unit=f" {unit}", disable=None) as bar:
        for window in windows:
            yield window
            done += size(window)
            bar.update(size(window))
            now = time.monotonic()
            if bar.disable and (now - logged >= LOG_SECONDS or done == total):
                rate = done / max(now - start, 1e-9)
                logged = now
                logger.info("%d of %d %s, %.1f a second, %.0f s left", done, total, unit, rate, (total - done) / rate)
