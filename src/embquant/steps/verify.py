"""The command ``verify``."""

import sys
from pathlib import Path
from typing import Annotated

from embquant.errors import InputError, harmless
from embquant.files.records import absolute, shown_path
from embquant.files.verify import Chain, count_files, present_files, recorded_files


def verify(results: Annotated[Path, "results, or results/reports/{study} for one study alone"], /) -> int:
    """Check every file of a study against its record.

    Returns the exit status: 1 if a file isn't as it was recorded.
    """
    folder = absolute(results)
    if not folder.is_dir():
        raise InputError(f"{results}: no such folder; give results, or results/reports/{{study}}")
    chain = Chain()
    chain.follow(sorted({*recorded_files(folder), *present_files(folder)}))
    if not chain.artifacts and not chain.findings:
        raise InputError(f"{results}: nothing in it has a record; run a study first")
    chain.compare_versions()
    for finding in sorted(chain.findings, key=lambda finding: (finding.kind, finding.path)):
        detail = f": {finding.detail}" if finding.detail else ""
        sys.stdout.write(harmless(f"{finding.kind}: {shown_path(finding.path)}{detail}") + "\n")
        for reports in chain.reports_from(finding.path):
            sys.stdout.write(f"   the reports in {shown_path(reports)} depend on it\n")
        sys.stdout.write(f"   {finding.remedy}\n")
    size = sum(record.bytes for path, record in chain.artifacts.items() if path.is_file())
    sources = count_files(chain.sources)
    what = f"{count_files(chain.artifacts)} of {size / 1e6:,.1f} MB, made from {sources} of yours or of a package"
    wrong = f"{len(chain.findings)} not as recorded" if chain.findings else "all as recorded"
    sys.stdout.write(f"{shown_path(folder)}: {what}: {wrong}\n")
    return 1 if chain.findings else 0
