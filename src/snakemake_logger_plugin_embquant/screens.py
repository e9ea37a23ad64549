"""Where a run is shown: in a display of its stages on a terminal, elsewhere in a line now and then."""

import os
import sys
import threading
from typing import Any

from embquant.embedding.progress import Done, last_progress
from snakemake_logger_plugin_embquant.stages import Job, Run

LINE_SECONDS = 30.0
"""Time between two lines where there is no terminal."""
REFRESHES_PER_SECOND = 2
SHOWN_JOBS = 3
"""Running jobs that the display names."""


def is_terminal() -> bool:
    """Whether standard error is a terminal that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


class Lines:
    """Lines on standard error: the first job of each stage, and every 30 seconds how far the run is."""

    def __init__(self, run: Run) -> None:
        """Show ``run``."""
        self._run = run
        self._named: set[str] = set()
        self._ended = threading.Event()
        self._ticker: threading.Thread | None = None

    def begin(self) -> None:
        """Start to say how far the run is."""
        if self._ticker is None:
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def started(self, job: Job) -> None:
        """Name the first job of each stage."""
        if job.stage not in self._named:
            self._named.add(job.stage)
            total = self._run.total[job.stage]
            jobs = f"{total} jobs, the first: " if total > 1 else ""
            self.say(f"{job.stage.capitalize()}: {jobs}{job.message}")

    def say(self, text: str) -> None:
        """Write lines."""
        print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Say no more by itself."""
        self._ended.set()

    def _tick(self) -> None:
        last = ""
        while not self._ended.wait(LINE_SECONDS):
            line = headline(self._run)
            if line != last:
                self.say(line)
            last = line


class Screen:
    """A live display at the bottom of the terminal; other text scrolls by above it."""

    def __init__(self, run: Run, no_colour: bool) -> None:
        """Show ``run``."""
        from rich.console import Console
        from rich.live import Live

        self._run = run
        self._console = Console(stderr=True, no_color=no_colour or None, highlight=False, markup=False, emoji=False)
        self._live = Live(
            get_renderable=self._display,
            console=self._console,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def begin(self) -> None:
        """Open the display."""
        self._live.start(refresh=True)

    def started(self, job: Job) -> None:
        """Do nothing: the display names running jobs by itself."""

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
        running = list(self._run.running.values())
        for stage in self._run.stages:
            done, total = self._run.done[stage], self._run.total[stage]
            count = sum(job.stage == stage for job in running)
            bar = ProgressBar(total=total, completed=done)
            table.add_row(stage, bar, f"{done}/{total}", f"{count} running" if count else "")
        grid = Table.grid()
        grid.add_column(no_wrap=True, overflow="ellipsis")
        grid.add_row(Text(headline(self._run), style="bold"))
        grid.add_row(table)
        for job in running[:SHOWN_JOBS]:
            grid.add_row(Text(f"  {job.message}", style="dim"))
        return grid


def headline(run: Run) -> str:
    """Return in one line how many jobs are done, and how many texts the running jobs have embedded."""
    parts = [f"{run.done.total()} of {run.total.total()} jobs"]
    logs = [job.log for job in list(run.running.values()) if job.log]
    embedded: list[Done] = [progress for log in logs if (progress := last_progress(log)) is not None]
    if embedded:
        done, total = sum(part.done for part in embedded), sum(part.total for part in embedded)
        parts.append(f"{done:,} of {total:,} texts at {sum(part.per_second for part in embedded):,.0f}/s")
    return " · ".join(parts)
