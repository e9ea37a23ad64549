"""Reports of several studies as one site: what leads where, what is compared, and what is refused."""

import re
import shutil

import pytest

from embquant.cli import main
from support.made_up_study import write_study

NAMED = ("summary.txt", "databases.md", "figures/growth.svg", "figures/growth.png", "tables/settings.tex")
"""Files that a page names."""


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Reports of two studies of the same dataset and model, and of one of another dataset."""
    folder = tmp_path_factory.mktemp("reports")
    for name, dataset in (("first", "facts"), ("third", "tales")):
        reports = write_study(folder / name, datasets=(dataset,), methods=["float32", "int8"], multipliers=(4,))
        reports.rename(folder / f"{name}-study")
        (folder / f"{name}-study" / "report.html").write_text(f"the page of {name}")
        for file in NAMED:
            (folder / f"{name}-study" / file).parent.mkdir(exist_ok=True)
            (folder / f"{name}-study" / file).write_text(f"{file} of {name}")
        (folder / f"{name}-study" / "figures" / ".records").mkdir(exist_ok=True)
    shutil.copytree(folder / "first-study", folder / "second-study")
    return [folder / f"{name}-study" for name in ("first", "second", "third")]


def gallery(studies, site):
    return main(["gallery", "--reports", *map(str, studies), "--output", str(site)])


def links(page):
    return [page.parent / target for target in re.findall(r'href="([^"#:]+)"', page.read_text(encoding="utf-8"))]


def test_every_link_leads_to_a_page_of_the_site(studies, tmp_path):
    assert gallery(studies, tmp_path) == 0
    index = tmp_path / "index.html"
    assert [path.relative_to(tmp_path).as_posix() for path in links(index)] == [
        *(f"{name}-study/report.html" for name in ("first", "second", "third")),
        "compare/first-study--second-study.html",
    ]
    assert all(path.is_file() for path in links(index))
    assert (tmp_path / "third-study" / "report.html").read_text() == "the page of third"
    copied = {path.relative_to(tmp_path / "third-study").as_posix() for path in (tmp_path / "third-study").rglob("*.*")}
    assert copied == {"report.html", *NAMED}  # no CSV file, and no record
    assert all((tmp_path / "third-study" / file).read_text() == f"{file} of third" for file in NAMED)
    assert [path.resolve() for path in links(tmp_path / "compare" / "first-study--second-study.html")] == [index]


def test_the_index_has_each_verdict_and_a_page_says_what_changed(studies, tmp_path):
    gallery(studies, tmp_path)
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert index.count('<p class="chosen">') == 3
    assert index.count("1 of 4 settings meets what is required: at least 98.00% kept") == 3
    assert index.count("would show that int8 is enough") == 3
    assert "facts (10,000 documents); minilm; " in index
    compared = (tmp_path / "compare" / "first-study--second-study.html").read_text(encoding="utf-8")
    assert "made with the same configuration" in compared
    assert "a: first-study\nb: second-study\n" in compared
    assert "--output" not in compared
    assert "facts · minilm: nDCG@10 at top_k 10, 60 queries, the same in both" in compared


def test_a_page_folds_away_what_unlike_studies_were_made_with(studies, tmp_path):
    other = shutil.copytree(studies[0], tmp_path / "other")
    provenance = (other / "provenance.json").read_text()
    (other / "provenance.json").write_text(re.sub(r'"seed": \d+', '"seed": 99', provenance))
    gallery([studies[0], other], tmp_path / "site")
    compared = (tmp_path / "site" / "compare" / "first-study--other.html").read_text(encoding="utf-8")
    folded = re.search(r"<details>\n<summary>(.*)</summary>.*?</details>", compared, re.DOTALL)
    assert folded[1].startswith("differences in what they were made with, a → b: ")
    assert "seed: " in folded[0]
    assert "→ 99" in folded[0]
    assert "→" not in compared.replace(folded[0], "")


def test_a_study_is_called_as_its_folder_and_lies_in_one_that_every_server_finds(studies, tmp_path, monkeypatch):
    """``.`` has no name of its own; white space, ``#`` and other letters are no part of a link."""
    named = [shutil.copytree(studies[0], tmp_path / name) for name in ("A größere #1", "own")]
    monkeypatch.chdir(named[1])
    assert gallery([named[0], "."], tmp_path / "site") == 0
    index = tmp_path / "site" / "index.html"
    assert [path.relative_to(tmp_path / "site").as_posix() for path in links(index)] == [
        *("a-gr-ere-1/report.html", "own/report.html", "compare/a-gr-ere-1--own.html")
    ]
    assert all(path.is_file() for path in links(index))
    text = index.read_text(encoding="utf-8")
    assert ">A größere #1</a></h2>" in text
    assert "A größere #1 and own</a>" in text


def test_other_files_in_the_folder_stay(studies, tmp_path):
    (tmp_path / "CNAME").write_text("mine")
    assert gallery(studies, tmp_path) == gallery(studies, tmp_path) == 0
    assert (tmp_path / "CNAME").read_text() == "mine"


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (["first-study", "nothing"], "nothing/report.html: no such file; name folders of reports"),
        (["first-study/report.html", "second-study/report.html"], "first-study/report.html/report.html: no such file;"),
        (["first-study", "first-study"], "have the same name; rename one"),
        (["compare"], "compare: a site has pages of its own in compare/; rename the folder"),
    ],
)
def test_what_is_no_study_is_refused_in_one_line(studies, tmp_path, capsys, folders, words):
    assert gallery([studies[0].parent / name for name in folders], tmp_path / "site") == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "site" / "index.html").exists()
