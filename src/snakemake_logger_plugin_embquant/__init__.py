"""What a person sees of a run: a logger plugin of Snakemake, chosen in the default profile (``logger: embquant``).

A terminal shows the stages and what runs; elsewhere there is a line now and then. A failed job's log is shown at once,
and the last line says what went wrong. Dry runs, lists and graphs look as Snakemake shows them.
"""

import logging
import sys

from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase

from snakemake_logger_plugin_embquant.reporter import Reporter

__all__ = ["LogHandler"]


class LogHandler(LogHandlerBase):
    """Passes records to a :class:`Reporter`, or to Snakemake's own handler where nothing is run."""

    def __post_init__(self) -> None:
        """Choose who reports."""
        settings = self.common_settings
        self._reporter: Reporter | None = None
        if settings.dryrun or settings.verbose or settings.debug_dag or settings.printshellcmds:
            log_filter = DefaultFilter(
                settings.quiet, settings.debug_dag, settings.verbose, settings.dryrun, settings.printshellcmds
            )
            stream = sys.stdout if settings.stdout else sys.stderr
            formatter = DefaultFormatter(settings.quiet, settings.show_failed_logs)
            self._default = ColorizingTextHandler(settings.nocolor, stream, formatter, log_filter)
        else:
            self._reporter = Reporter(no_colour=settings.nocolor)

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record, or take it into account."""
        if self._reporter is None:
            self._default.handle(record)
            return
        try:
            self._reporter.take(record)
        except Exception:  # raised on, it would end the thread that passes on all records
            self.handleError(record)

    def close(self) -> None:
        """Say how the run ended, once."""
        if self._reporter is not None:
            self._reporter.finish()
        super().close()

    writes_to_stream = True  # abstract properties of the base class
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False
