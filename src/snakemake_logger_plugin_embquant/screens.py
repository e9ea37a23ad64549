"""Where a run is shown: a display of its stages on a terminal, a line now and then elsewhere."""

import os
import sys
import threading
from typing import Any

from embquant.study.remaining import duration
from snakemake_logger_plugin_embquant.stages import Run

LINE_SECONDS = 30.0
"""Time between two lines where there is no terminal."""
REFRESHES = 2
"""Times a second that the display is drawn."""
NAMES = 3
"""Running jobs that are named in the display."""


def terminal() -> bool:
    """Whether standard error is a terminal that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


class Lines:
    """Lines on standard error: what a stage begins with, and every so often how far the run is."""

    def __init__(self, run: Run) -> None:
        """Tell of ``run``."""
        self._run = run
        self._told: set[str] = set()
        self._ended = threading.Event()
        self._ticker: threading.Thread | None = None

    def begin(self) -> None:
        """Start to tell how far the run is."""
        if self._ticker is None:
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def started(self, message: str) -> None:
        """Tell of the first job of each stage."""
        for name, stage in self._run.stages.items():
            if name not in self._told and any(job.message == message for job in self._run.jobs_of(name)):
                self._told.add(name)
                jobs = f"{stage.total} jobs, the first: " if stage.total > 1 else ""
                self.say(f"{name.capitalize()}: {jobs}{message}")

    def update(self) -> None:
        """Nothing: lines are few."""

    def say(self, text: str) -> None:
        """Write lines."""
        print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Stop telling."""
        self._ended.set()

    def _tick(self) -> None:
        said = ""
        while not self._ended.wait(LINE_SECONDS):
            if said != (said := headline(self._run)):
                self.say(said)


class Screen:
    """A live display at the bottom of the terminal; what else is said scrolls by above it."""

    def __init__(self, run: Run, plain_colours: bool) -> None:
        """Show ``run``; ``plain_colours``: without any, as where NO_COLOR is set."""
        from rich.console import Console
        from rich.live import Live

        self._run = run
        self._console = Console(stderr=True, no_color=plain_colours or None, highlight=False, markup=False, emoji=False)
        self._live = Live(
            get_renderable=self._display,
            console=self._console,
            refresh_per_second=REFRESHES,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def begin(self) -> None:
        """Open the display."""
        self._live.start(refresh=True)

    def started(self, message: str) -> None:
        """Nothing: the display names the jobs that run."""

    def update(self) -> None:
        """Nothing: the display is drawn by itself."""

    def say(self, text: str) -> None:
        """Write lines above the display."""
        self._console.print(text, soft_wrap=True)

    def end(self) -> None:
        """Remove the display and leave the cursor as it was."""
        self._live.stop()

    def _display(self) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(width=max(5, min(24, self._console.width - 56)), no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, overflow="ellipsis")
        embedded = self._run.embedded()
        for name, stage in self._run.stages.items():
            note = ""
            if name == "embedding" and embedded.total:
                note = f"{embedded.done:,} of {embedded.total:,} texts, {embedded.rate:,.0f}/s"
            elif self._run.jobs_of(name):
                note = f"{len(self._run.jobs_of(name))} running"
            bar = ProgressBar(total=stage.total, completed=stage.done)
            table.add_row(Text(name), bar, f"{stage.done}/{stage.total}", Text(note))
        grid = Table.grid()
        grid.add_column(no_wrap=True, overflow="ellipsis")
        grid.add_row(Text(headline(self._run), style="bold"))
        grid.add_row(table)
        for job in list(self._run.running.values())[:NAMES]:
            grid.add_row(Text(f"  {job.message}", style="dim"))
        return grid


def headline(run: Run) -> str:
    """Return in one line how far a run is."""
    whole, embedded, left = run.whole(), run.embedded(), run.seconds_left()
    parts = [f"{whole.done} of {whole.total} jobs"]
    if embedded.total:
        parts.append(f"{embedded.done:,} of {embedded.total:,} texts at {embedded.rate:,.0f}/s")
    if left is not None and whole.done < whole.total:
        parts.append(f"{duration(left)} left")
    return " · ".join(parts)
