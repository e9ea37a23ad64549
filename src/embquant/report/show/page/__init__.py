"""A study's report as one page that needs nothing else: no network, no other file.

Everything that comes from a study is text, and escaped. Only figures are markup: they are drawn here, and matplotlib
escapes what they say. The page forbids its browser to load anything, and to run any script but its own.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from embquant.files.provenance import file_digest
from embquant.report.show.figures.style import THEMES, Drawing, csv_text, themed_svg
from embquant.report.show.page.verdict import verdicts
from embquant.report.show.tabular import Table
from embquant.report.study import Study

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Section:
    """Figures of one kind under a heading: the first is open, the others can be opened; then tables."""

    name: str
    title: str
    text: str
    figures: Sequence[Drawing] = ()
    tables: Sequence[Table] = ()


def render(study: Study, sections: Sequence[Section]) -> str:
    """Return the page of a study."""
    environment = Environment(
        loader=PackageLoader("embquant.report.show", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"svg": themed_svg, "csv_link": _csv_link}
    script = (FOLDER / "page.js").read_text("utf-8")
    return environment.get_template("page.html.jinja").render(
        study=study,
        verdicts=verdicts(study),
        sections=sections,
        style=_theme_variables() + (FOLDER / "page.css").read_text("utf-8"),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        configuration=configuration_text(study.config),
        digests={path.name: file_digest(path) for path in sorted(study.folder.glob("*.csv"))},
    )


def configuration_text(config: Mapping[str, Any]) -> str:
    """Return a configuration as YAML, an entry a line."""
    lines = []
    for key, value in config.items():
        if isinstance(value, dict) and value:
            entries = (f"  {name}: {json.dumps(own, ensure_ascii=False)}" for name, own in value.items())
            lines += [f"{key}:", *entries]
        else:
            lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines)


def _theme_variables() -> str:
    """Return the colours of both themes as CSS variables; paper is light."""
    light, dark = ("".join(f"--{name}:{pair[at]};" for name, pair in THEMES.items()) for at in (0, 1))
    return f":root{{{light}}}\n@media screen and (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"


def _csv_link(drawing: Drawing) -> str:
    """Return a link to the numbers of a figure that holds them, so that the page can be sent alone."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(csv_text(drawing.data).encode()).decode()
