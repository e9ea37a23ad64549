"""Tables for readers: the same cells as Markdown, LaTeX and in a page."""

import pandas as pd
import pytest

from embquant.report.show.rendering import Cell, Column, TableView

COLUMNS = {
    "name": Column("name"),
    "kept": Column("kept", ".2f", interval=True),
    "size": Column("size_B", ",.0f"),
    "empty": Column("empty", ".1f"),
    "more": Column("more", ".1f", detail=True),
}


@pytest.fixture
def table():
    rows = pd.DataFrame(
        {
            "name": ["a|b & c", "≈ noise ✓"],
            "kept": [0.912, 1.0],
            "kept_low": [0.9, 1.0],
            "kept_high": [0.93, 1.0],
            "size": [12345.0, None],
            "empty": [None, None],
            "more": [1.0, 2.0],
        }
    )
    return TableView("t", "title", "caption", rows, COLUMNS, filters=("name", "size", "more"))


def test_cells_are_formatted_and_keep_what_they_are_sorted_by(table):
    assert list(table.visible) == ["name", "kept", "size", "more"]
    assert table.cells[0][1:3] == [Cell("0.91 [0.90, 0.93]", "0.912"), Cell("12,345", "12345")]
    assert table.cells[1][1:3] == [Cell("1.00", "1"), Cell("", "")]
    assert table.choices["name"] == ["a|b & c", "≈ noise ✓"]


def test_a_number_below_the_least_that_is_shown_sorts_by_itself():
    rows = pd.DataFrame({"p": [1.5e-196, 0.0001, 1.0]})
    cells = TableView("t", "title", "caption", rows, {"p": Column("p", ".3g", least=0.0001)}).cells
    assert [cell for (cell,) in cells] == [Cell("<0.0001", "1.5e-196"), Cell("0.0001", "0.0001"), Cell("1", "1")]


def test_markdown_is_a_table_whatever_the_cells_hold(table):
    lines = table.markdown().splitlines()
    assert lines[0].replace(" ", "") == "|name|kept|size_B|"
    assert [len(line.replace("\\|", "").split("|")) for line in lines] == [5, 5, 5, 5]
    assert "a\\|b & c" in lines[2]


def test_markdown_shows_what_looks_like_markup_as_it_is():
    rows = pd.DataFrame({"name": [r"*x* [a](b) `c` <d> C:\f _g_ snake_case a < b [1, 2] ~~h~~"]})
    text = TableView("t", "", "", rows, {"name": Column("a|b")}).markdown()
    assert r"| a\|b" in text
    assert r"\*x\* [a\](b) \`c\` \<d> C:\\f \_g\_ snake_case a < b [1, 2] \~\~h\~\~" in text


def test_latex_has_no_character_that_it_would_read_otherwise(table):
    text = table.latex()
    assert r"a|b \& c" in text
    assert r"size\_B" in text
    assert r"$\approx$ noise $\checkmark$" in text
    assert text.isascii()


def test_a_paper_gets_the_short_table(table):
    short = TableView("t", "", "", table.rows, COLUMNS, short=pd.Series([False, True]))
    assert len(short.cells) == 2
    assert short.markdown().count("\n") == 2
