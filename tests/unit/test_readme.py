"""What the pages tell a reader to do, done; and where they lead."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from embquant.study.study import Study

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PAGES = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("*/README.md")]


def block(language):
    """Return the README's only block of code in a language."""
    (text,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return text


def test_the_python_of_the_readme_runs(capsys, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for name, rows in {"corpus": 1000, "queries": 50}.items():
        np.save(tmp_path / f"{name}.npy", rng.standard_normal((rows, 64), dtype=np.float32))
    monkeypatch.chdir(tmp_path)
    exec(compile(block("python"), "README.md", "exec"), {})
    assert "binary" in capsys.readouterr().out


def test_the_study_of_the_readme_is_whole():
    study = Study.read(yaml.safe_load(block("yaml")))
    assert [*study.methods] == ["float32", "int8", "binary"]
    assert study.rescore_stores == ["int8"]


def anchors(page):
    """Return what forges call the headings of a page: lower case, hyphens for spaces, no other punctuation."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8"))
    assert [link for link, _ in links if not (page.parent / link).exists()] == []
    targets = [(page.parent / link if link else page, anchor) for link, anchor in links if anchor]
    assert [(target.name, anchor) for target, anchor in targets if anchor not in anchors(target)] == []


def test_the_index_lists_every_page():
    index = (REPOSITORY / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in REPOSITORY.glob("docs/*.md")} - {"README.md"}
    assert [page for page in sorted(pages) if f"]({page})" not in index] == []
