"""The command ``compare``."""

import sys
from pathlib import Path
from typing import Annotated

from embquant.report.csv_files import write_csv
from embquant.report.numbers.changes import StudyRun, changes
from embquant.report.show.comparison import made_with, results_text


def compare(
    run_a: Annotated[Path, "reports of a study: results/reports/{study}"],
    run_b: Annotated[Path, "the reports to compare with them"],
    /,
    *,
    output: Annotated[Path | None, "one row per setting (CSV)"] = None,
) -> None:
    """Compare two runs and test which differences are significant.

    Prints the settings of the summaries, and then what the runs were made with, as far as they differ; ``output`` has
    all settings. Differences are tested if both runs have the same queries and judgements.
    """
    one, other = StudyRun.read(run_a), StudyRun.read(run_b)
    table = changes(one, other)
    if output is not None:
        write_csv(table, output)
    results = results_text(one, other, table, (str(run_a), str(run_b)))
    heading, lines = made_with(one, other)
    text = "\n   ".join([heading, *lines])
    sys.stdout.write(f"{results}\n\n{text}\n\nall settings: {output or 'with --output changes.csv'}\n")
