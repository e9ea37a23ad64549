"""The command ``write-report``."""

import logging
from pathlib import Path
from typing import Annotated

from embquant.files.records import remade_by
from embquant.report.csv_files import write_text
from embquant.report.reports import Reports
from embquant.report.show.databases import databases_text
from embquant.report.show.figures.style import save
from embquant.report.show.page import render
from embquant.report.show.sections import sections

log = logging.getLogger(__name__)


def write_report(
    *,
    reports: Annotated[Path, "folder of a study's reports"],
    page: Annotated[Path, "the page (HTML)"],
    figures: Annotated[Path, "folder for the figures (SVG, PNG, CSV)"],
    tables: Annotated[Path, "folder for the tables (Markdown, LaTeX)"],
    databases: Annotated[Path, "file for the recommended settings in databases (Markdown)"],
) -> None:
    """Write a study's reports as one page, with figures and tables."""
    study = Reports.read(reports)
    parts = sections(study)
    figures.mkdir(parents=True, exist_ok=True)  # there may be none, where the baseline is at chance
    with remade_by(page):  # the workflow knows the folders of these files alone
        for section in parts:
            for drawing in section.figures:
                save(drawing, figures)
            for view in section.tables:
                write_text(view.markdown() + "\n", tables / f"{view.name}.md")
                write_text(view.latex() + "\n", tables / f"{view.name}.tex")
    write_text(databases_text(study), databases)
    write_text(render(study, parts), page)
    log.info("%s", page)
