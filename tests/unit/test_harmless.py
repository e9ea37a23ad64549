"""Texts of others, with characters that nobody sees, do no harm where a person reads them."""

import unicodedata

import pandas as pd
import pytest

from embquant.cli import main
from embquant.errors import InputError, harmless
from embquant.report.show.rendering import Column, TableView
from embquant.steps.search import search
from embquant.steps.verify import verify

HOSTILE = "\x1b[2Jgone\x00 \u202eevil\u202c \x9b31m \u2066x\u2069 \x07 =1+1"
SHOWN = r"\x1b[2Jgone\x00 \u202eevil\u202c \x9b31m \u2066x\u2069 \x07 =1+1"


def test_control_and_bidirectional_characters_are_shown_as_escapes():
    assert harmless(HOSTILE) == SHOWN


def test_lines_tabs_and_the_scripts_of_the_world_stay_as_they_are():
    text = "one\n\ttwo, שלום, عربى, 日本語, हिन्दी, 👩\u200d💻, é"
    assert harmless(text) == text
    assert harmless("a\r\nb\rc") == "a\nb\\x0dc"


def test_nothing_is_left_that_unicode_calls_a_control_or_that_turns_the_direction():
    """The judge is Python's table of Unicode."""
    turning = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    for code in range(0x11000):
        character = chr(code)
        if character in "\n\t":
            continue
        if (
            unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
            or unicodedata.bidirectional(character) in turning
        ):
            assert harmless(character) != character, hex(code)
            assert harmless(character).isascii()


@pytest.mark.parametrize("form", ["text", "markdown", "latex"])
def test_tables_show_them_harmlessly_in_every_form(form):
    view = TableView("t", "", "", pd.DataFrame({"document": [HOSTILE]}), {"document": Column("document")})
    shown = getattr(view, form)()
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]
    assert "=1+1" in shown
    assert view.cells[0][0].text == SHOWN


def test_errors_show_them_harmlessly(tmp_path, capsys):
    name = tmp_path / "\x1b[31mred\u202e.jsonl"
    assert main(["verify", str(name)]) == 2
    shown = capsys.readouterr().err
    assert r"\x1b[31mred\u202e.jsonl: no such folder" in shown
    assert "\x1b" not in shown


def test_what_verify_finds_is_shown_harmlessly(tmp_path, capsys):
    output = tmp_path / "results" / "a" / "dataset.json"
    folder = tmp_path / "\x1b[31m"
    folder.mkdir()
    (folder / "corpus.csv").write_text("id,text\n1,a\n2,b\n")
    entry = f'{{"source": "files", "path": "{folder}"}}'.replace("\x1b", "\\u001b")
    assert main(["prepare-dataset", "--name", "a", "--entry", entry, "--output", str(output.parent)]) == 0
    (folder / "corpus.csv").unlink()
    capsys.readouterr()
    assert verify(tmp_path / "results") == 1
    shown = capsys.readouterr().out
    assert r"\x1b[31m" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"threads": -3}, "--threads must be 1 or more, not -3"),
        ({"threads": 0}, "--threads must be 1 or more, not 0"),
        ({"top_k": 0}, "--top-k must be 1 or more, not 0"),
        ({"multiplier": -1}, "--multiplier must be 1 or more, not -1"),
        ({"question": "what \udcff\udcfe"}, "the question is not UTF-8 text, from its character 6 on"),
        ({"question": " "}, "the question is empty"),
    ],
)
def test_a_search_that_cannot_be_is_refused_in_one_line(tmp_path, asked, message):
    options = {"question": "what", **asked}
    with pytest.raises(InputError) as caught:
        search(tmp_path, options.pop("question"), **options)
    assert str(caught.value) == message
