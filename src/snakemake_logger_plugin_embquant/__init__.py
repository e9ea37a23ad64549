"""What a person sees of a run: a plugin of Snakemake's, which the default profile chooses (``logger: embquant``).

On a terminal a display of stages, elsewhere a line now and then; the log of a job that fails at once, and its cause, or
what else went wrong, in the last line. Dry runs, lists and graphs look as Snakemake has them.
"""

import logging
import sys

from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase

from snakemake_logger_plugin_embquant.reporter import Reporter

__all__ = ["LogHandler"]


class LogHandler(LogHandlerBase):
    """Hands what Snakemake says to a :class:`Reporter`, or to Snakemake's own handler where nothing is run."""

    def __post_init__(self) -> None:
        """Choose who reports."""
        settings = self.common_settings
        self._reporter: Reporter | None = None
        if settings.dryrun or settings.verbose or settings.debug_dag or settings.printshellcmds:
            choice = DefaultFilter(
                settings.quiet, settings.debug_dag, settings.verbose, settings.dryrun, settings.printshellcmds
            )
            stream = sys.stdout if settings.stdout else sys.stderr
            shape = DefaultFormatter(settings.quiet, settings.show_failed_logs)
            self._default = ColorizingTextHandler(settings.nocolor, stream, shape, choice)
        else:
            self._reporter = Reporter(plain_colours=settings.nocolor)

    def emit(self, record: logging.LogRecord) -> None:
        """Show the record, or take it into account."""
        if self._reporter is None:
            self._default.handle(record)
            return
        try:
            self._reporter.take(record)
        except Exception:  # as logging has it: what a handler raises would end the thread that all records come through
            self.handleError(record)

    def close(self) -> None:
        """Say how the run ended, once."""
        if self._reporter is not None:
            self._reporter.finish()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """Instead of Snakemake's own handler."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Snakemake writes its own log all the same."""
        return False

    @property
    def has_filter(self) -> bool:
        """What is shown is chosen here."""
        return True

    @property
    def has_formatter(self) -> bool:
        """And how."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """Stages are known by name."""
        return False
