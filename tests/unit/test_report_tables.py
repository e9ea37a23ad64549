"""Each table of the reports has a caption and an explanation; one of another package is written and shown like them."""

import re
from pathlib import Path

import pytest

from embquant.report.show.rendering import Column, TableView
from embquant.report.tables import TABLES
from embquant.report.tables.base import ReportTable
from embquant.steps.write_report import write_report
from support.made_up_study import write_study

REPOSITORY = Path(__file__).parents[2]


class Fastest(ReportTable):
    """The fastest setting of each method."""

    section = "of-another-package"

    def rows(self, measured):
        rows = measured.speed.sort_values("latency_p50_ms").drop_duplicates("method")
        return rows[["method", "rescore_store", "latency_p50_ms"]]

    def view(self, reports):
        columns = {"method": Column("method"), "latency_p50_ms": Column("p50 ms", ".3f")}
        return TableView("fastest", "The fastest settings", "Of each method.", reports.table("fastest"), columns)


@pytest.mark.parametrize("name", TABLES.names())
def test_every_table_has_a_caption_and_is_explained(name):
    assert (REPOSITORY / "workflow" / "report" / f"{name}.rst").read_text().strip().endswith(".")
    assert f"## {name}.csv\n" in (REPOSITORY / "docs" / "columns.md").read_text()


@pytest.mark.parametrize("name", ["speed", "embedding"])
def test_a_table_of_times_has_the_columns_that_are_explained_and_an_interval_of_each_median(name, tmp_path):
    section = (REPOSITORY / "docs" / "columns.md").read_text().partition(f"## {name}.csv\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    explained = set(re.findall(r"`([a-z]\w+)`", " ".join(rows)))
    assert len(explained) >= 8
    medians = [column for column in explained if "p50" in column or "per_second" in column]
    reports = write_study(tmp_path, methods=["float32", "binary"], multipliers=(4,))
    columns = (reports / f"{name}.csv").read_text().partition("\n")[0].split(",")
    assert explained | {f"{column}_{end}" for column in medians for end in ("low", "high")} <= set(columns)


def test_a_table_that_somebody_registers_is_written_and_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(TABLES, "_loaded", dict(TABLES._loaded))
    TABLES.register("fastest", Fastest)
    reports = write_study(tmp_path, methods=["float32", "binary"], multipliers=(4,))
    folders = {"figures": tmp_path / "figures", "tables": tmp_path / "tables", "databases": tmp_path / "databases.md"}
    write_report(reports=reports, page=tmp_path / "report.html", **folders)
    assert (reports / "fastest.csv").read_text().startswith("method,rescore_store,latency_p50_ms\nbinary,none,")
    page = (tmp_path / "report.html").read_text()
    assert '<h2 id="of-another-package">The fastest settings</h2>' in page
    assert page.count('id="table-fastest"') == 1
    assert (tmp_path / "tables" / "fastest.md").read_text().splitlines()[2].startswith("| binary")
