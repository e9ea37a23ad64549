"""The figure of growth: what was measured, what is expected, and the size that is deployed."""

from dataclasses import replace

import pandas as pd
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.text import Annotation

from embquant.report.reports import Reports
from embquant.report.show.figures.growth import draw_growth
from embquant.report.tables.growth import Growth
from embquant.study.study import Study
from support.made_up_study import VECTORS, write_study

DEPLOYED = 500_000


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """A study that is deployed with more vectors than it measured, of which exact methods are expected to keep less."""
    folder = write_study(tmp_path_factory.mktemp("study"))
    growth = pd.read_csv(folder / "growth.csv")
    later = growth[(growth["documents"] == VECTORS) & (growth["method"] != "int8-hnsw")]
    ends = {f"retention_nDCG@10{end}": later[f"retention_nDCG@10{end}"] * 0.9 for end in ("", "_low", "_high")}
    later = later.assign(basis="expected", documents=DEPLOYED, **ends)
    pd.concat([growth, later]).to_csv(folder / "growth.csv", index=False)
    read = Reports.read(folder)
    requirements = {**read.provenance["config"]["requirements"], "vectors": DEPLOYED}
    config = {**read.provenance["config"], "requirements": requirements}
    assert Study.read(config)
    return replace(read, provenance={**read.provenance, "config": config})


def test_it_has_the_values_of_the_table_at_every_size(reports):
    drawing = draw_growth(reports, reports.scopes[0])
    shown = drawing.data
    assert 1 < shown["setting"].nunique() <= 6
    assert "int8-hnsw" not in set(shown["method"])
    assert {*shown["documents"]} == {VECTORS // 2, VECTORS, DEPLOYED}
    table = reports.table("growth").set_index(["setting", "documents"])
    for row in shown.to_dict("records"):
        assert row["kept"] == table.loc[(row["setting"], row["documents"]), "retention_nDCG@10"]
    assert "Bands are expected" in drawing.caption


def test_what_is_expected_is_a_band_up_to_the_size_that_is_deployed(reports):
    drawing = draw_growth(reports, reports.scopes[0])
    (axes,) = drawing.figure.axes
    bands = [item for item in axes.collections if isinstance(item, FillBetweenPolyCollection)]
    assert len(bands) == drawing.data["setting"].nunique()
    assert all(band.get_datalim(axes.transData).x1 == DEPLOYED for band in bands)
    words = [text.get_text() for text in axes.get_children() if isinstance(text, Annotation)]
    assert words == ["deployed: 500,000"]
    assert axes.get_xscale() == "log"


def test_without_subsets_there_is_no_figure(reports, tmp_path):
    growth = reports.table("growth")
    alone = replace(reports, _tables={**reports._tables, "growth": growth[growth["documents"] == VECTORS]})
    assert draw_growth(alone, reports.scopes[0]) is None
    assert draw_growth(replace(reports, _tables={"growth": growth[:0]}), reports.scopes[0]) is None


def test_the_table_says_how_far_expectations_can_be_believed(reports):
    caption = Growth().view(reports).caption
    assert "of up to 154 times as many documents without judgements" in caption
    assert "Nothing is said of more than 512 times" in caption
