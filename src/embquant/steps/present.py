"""The command ``present``."""

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd

from embquant.errors import InputError
from embquant.report.measure import measures, renamed
from embquant.report.numbers.methods import unrescored_methods
from embquant.report.numbers.quality import decisive, with_quality
from embquant.report.reports import Reports
from embquant.report.show.figures.methods import draw_indexes, draw_storage
from embquant.report.show.figures.style import save
from embquant.report.show.markdown import tables
from embquant.report.show.reference import renamed_drawing


def present(
    *,
    reports: Annotated[Path, "folder of a study's reports"],
    figures: Annotated[Path, "folder for the figures (SVG, PNG, CSV)"],
) -> None:
    """Print a study's tables as Markdown and draw its figures."""
    study = Reports.read(reports)
    reference = study.study.config.compared_with
    summary = with_overlap(study)
    models = dict(list(summary.groupby("model", sort=False)))
    sections = []
    for model, rows in models.items():
        judged = decisive(rows)
        methods = unrescored_methods(judged, study.study)
        if len(models) > 1:
            sections.append(f"## {model}")
        sections += tables(judged, methods, study.study)
        left_out = sorted(set(rows["dataset"]) - set(judged["dataset"]))
        if left_out:
            sections.append(f"Nothing is judged on {', '.join(left_out)}, which the means leave out.")
        name = f"{reports.name}-{model}" if len(models) > 1 else reports.name
        for drawing in (draw_storage(methods, f"{name}-storage"), draw_indexes(methods, f"{name}-indexes")):
            if drawing is not None:
                save(renamed_drawing(drawing, reference), figures)
    sys.stdout.write(renamed("\n\n".join(sections), reference) + "\n")


def with_overlap(study: Reports) -> pd.DataFrame:
    """Return a study's summary with what :func:`with_quality` appends, and ``overlap``: its first overlap@k."""
    summary = study.table("summary")
    columns = [measure.column for measure in measures(summary.columns) if measure.is_overlap]
    overlaps = [column for column in columns if summary[column].notna().any()]
    if not overlaps:
        raise InputError(f"{study.folder}/summary.csv: no overlap@k in it; add one to the study's metrics")
    return with_quality(summary).assign(overlap=summary[overlaps[0]])
