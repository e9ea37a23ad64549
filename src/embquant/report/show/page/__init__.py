"""A study's report as one page that needs nothing else: no network, no other file.

Everything that comes from a study is text, and escaped. Only figures are markup: they are drawn here, and matplotlib
escapes their texts. The page forbids its browser to load anything, and to run any script but its own.
"""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from embquant.files.provenance import file_digest
from embquant.report.csv_files import csv_text
from embquant.report.deployment import as_yaml
from embquant.report.reports import Reports
from embquant.report.show.databases import MARKS, preparation, words
from embquant.report.show.examples import NUMBERS
from embquant.report.show.figures.style import THEMES, Drawing, themed_svg
from embquant.report.show.sections import Section
from embquant.report.show.verdict import CHECK, page_verdicts

FOLDER = Path(__file__).parent


def render(reports: Reports, sections: Sequence[Section]) -> str:
    """Return the page of a study."""
    environment = templates("page")
    environment.filters |= {"svg": themed_svg, "csv_link": _csv_link, "words": words, "preparation": preparation}
    script = (FOLDER / "page.js").read_text("utf-8")
    return environment.get_template("page.html.jinja").render(
        provenance=reports.provenance,
        config=reports.study.config,
        verdicts=page_verdicts(reports),
        check=CHECK,
        numbers=NUMBERS,
        database_marks=MARKS,
        sections=sections,
        style=page_style(),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        configuration=as_yaml(reports.provenance["config"]),
        digests={path.name: file_digest(path) for path in sorted(reports.folder.glob("*.csv"))},
    )


def templates(folder: str) -> Environment:
    """Return the templates in a folder of this package's parent; all that is filled in is text, and escaped."""
    return Environment(
        loader=PackageLoader("embquant.report.show", folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page_style() -> str:
    """Return the style sheet of a page: the colours of both themes as CSS variables (paper is light), and the rules."""
    light, dark = ("".join(f"--{name}:{pair[at]};" for name, pair in THEMES.items()) for at in (0, 1))
    variables = f":root{{{light}}}\n@media screen and (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"
    return variables + (FOLDER / "page.css").read_text("utf-8")


def _csv_link(drawing: Drawing) -> str:
    """Return a link that holds the numbers of a figure, so that the page can be sent alone."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(csv_text(drawing.data).encode()).decode()
