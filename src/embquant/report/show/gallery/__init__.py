"""The reports of several studies as one static site: an index, each report, and pages that compare them.

All links are relative and nothing is loaded from elsewhere, so any server of files, or none, can show it.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from embquant.errors import InputError
from embquant.files.atomic import atomic_path
from embquant.report.csv_files import write_text
from embquant.report.numbers.changes import StudyRun, changes, pairings
from embquant.report.reports import Reports, file_name
from embquant.report.show.comparison import made_with, results_text
from embquant.report.show.page import page_style, templates
from embquant.report.show.verdict import page_verdicts

PAGE = "report.html"
NAMED = ["summary.txt", "databases.md", "figures/*", "tables/*"]
"""The files that a page names, as patterns."""

COMPARED = "compare"
"""Where the pages that compare studies lie."""


def write_gallery(folders: Sequence[Path], site: Path) -> Path:
    """Write the site of the studies whose reports are in ``folders``; return the path of its index.

    A folder without a report is an InputError, and so are two studies of one name.
    """
    folders = [Path(os.path.normpath(folder.absolute())) for folder in folders]  # "." has no name of its own
    studies = {file_name(folder.name): folder for folder in folders}
    if COMPARED in studies:
        raise InputError(f"{studies[COMPARED]}: a site has pages of its own in {COMPARED}/; rename the folder")
    for folder in folders:
        _page(folder)
    if len(studies) < len(folders):
        raise InputError(f"two of {', '.join(map(str, folders))} have the same name; rename one")
    for name, folder in studies.items():
        _copy_report(folder, site / name)
    compared = list(_compared(studies))
    environment = templates("gallery")
    for comparison in compared:
        text = environment.get_template("comparison.html.jinja").render(style=page_style(), **comparison)
        write_text(text, site / comparison["path"])
    described = [_described(name, Reports.read(folder)) for name, folder in studies.items()]
    index = environment.get_template("index.html.jinja").render(
        style=page_style(), studies=described, compared=compared
    )
    write_text(index, site / "index.html")
    return site / "index.html"


def _copy_report(folder: Path, target: Path) -> None:
    """Copy a page, and the files that it names."""
    page = _page(folder)
    named = (file for pattern in NAMED for file in sorted(folder.glob(pattern)))
    for file in [page, *(file for file in named if file.is_file())]:  # records of a run lie in a folder beside them
        with atomic_path(target / file.relative_to(folder)) as temporary:
            shutil.copyfile(file, temporary)


def _page(folder: Path) -> Path:
    """Return the path of a study's page; a folder without one is an InputError."""
    page = folder / PAGE
    if not page.is_file():
        raise InputError(f"{page}: no such file; name folders of reports, such as results/reports/default")
    return page


def _described(name: str, reports: Reports) -> dict[str, Any]:
    """Return what the index says of a study."""
    documents = {dataset["name"]: dataset["counts"]["documents"] for dataset in reports.provenance["datasets"]}
    datasets = [f"{dataset} ({count:,} documents)" for dataset, count in documents.items()]
    return {
        "path": f"{name}/{PAGE}",
        "title": reports.folder.name,
        "datasets": ", ".join(datasets),
        "models": ", ".join(reports.study.models),
        "settings": len(reports.summary),
        "verdicts": page_verdicts(reports),
    }


def _compared(studies: dict[str, Path]) -> Iterator[dict[str, Any]]:
    """Yield what a page says of two studies that have a dataset and model in common, for each such pair."""
    runs = {name: StudyRun.read(folder) for name, folder in studies.items()}
    for (name, one), (other_name, other) in combinations(runs.items(), 2):
        if pairings(one, other):
            titles = (studies[name].name, studies[other_name].name)
            heading, lines = made_with(one, other)
            yield {
                "path": f"{COMPARED}/{name}--{other_name}.html",
                "title": " and ".join(titles),
                "text": results_text(one, other, changes(one, other), titles),
                "made_with": heading,
                "differences": "\n".join(lines),
            }
