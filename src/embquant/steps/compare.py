"""The command ``compare``."""

import sys
from pathlib import Path
from typing import Annotated

from embquant.report.csv_files import write_csv
from embquant.report.numbers.changes import StudyRun, changes
from embquant.report.show.comparison import comparison_text


def compare(
    run_a: Annotated[Path, "reports of a study: results/reports/{study}"],
    run_b: Annotated[Path, "the reports to compare with them"],
    /,
    *,
    output: Annotated[Path | None, "one row per setting (CSV)"] = None,
) -> None:
    """Compare two runs and test which differences are significant.

    Prints what the runs were made with, as far as they differ, and the settings of the summaries; ``output`` has all
    settings. Differences are tested if both runs have the same queries and judgements.
    """
    one, other = StudyRun.read(run_a), StudyRun.read(run_b)
    table = changes(one, other)
    if output is not None:
        write_csv(table, output)
    text = comparison_text(one, other, table, (str(run_a), str(run_b)))
    sys.stdout.write(f"{text}\n\nall settings: {output or 'with --output changes.csv'}\n")
