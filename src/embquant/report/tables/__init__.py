"""The tables of a study's reports: a CSV file each, and where readers get something from it, a table of the page.

To add one, derive from :class:`embquant.report.tables.base.ReportTable`, list it here (or announce it as an entry point
of the group ``embquant.tables``), and explain its columns in docs/columns.md.
"""

from typing import TYPE_CHECKING

from embquant.registry import Registry

if TYPE_CHECKING:
    from embquant.report.tables.base import ReportTable

TABLES: "Registry[type[ReportTable]]" = Registry(
    "report table",
    "embquant.tables",
    {
        "retrieval": "embquant.report.tables.measured:Retrieval",
        "memory": "embquant.report.tables.measured:Memory",
        "speed": "embquant.report.tables.measured:Speed",
        "embedding": "embquant.report.tables.measured:Embedding",
        "significance": "embquant.report.tables.tested:Significance",
        "macro": "embquant.report.tables.tested:Macro",
        "summary": "embquant.report.tables.summary:Summary",
        "cost": "embquant.report.tables.decided:Cost",
        "recommendation": "embquant.report.tables.decided:Recommended",
        "worst_queries": "embquant.report.tables.losses:WorstQueries",
        "losses": "embquant.report.tables.losses:Losses",
    },
)
"""The tables by the name of their file, in the order in which a run lists them."""

__all__ = ["TABLES"]
