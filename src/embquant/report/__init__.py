"""Reports of a study: tables as CSV, and the summary for reading."""

from embquant.errors import require

require("report", "jinja2", "matplotlib", "pandas", "scipy", "tabulate")
