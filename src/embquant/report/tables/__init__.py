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
        "retrieval": "embquant.report.tables.settings:Retrieval",
        "memory": "embquant.report.tables.settings:Memory",
        "speed": "embquant.report.tables.settings:Speed",
        "embedding": "embquant.report.tables.settings:Embedding",
        "significance": "embquant.report.tables.comparisons:Significance",
        "models": "embquant.report.tables.models:Models",
        "model_differences": "embquant.report.tables.models:ModelDifferences",
        "macro": "embquant.report.tables.comparisons:Macro",
        "summary": "embquant.report.tables.settings:Summary",
        "bm25": "embquant.report.tables.hybrid:BesideBM25",
        "fusion": "embquant.report.tables.hybrid:Fused",
        "reranking": "embquant.report.tables.hybrid:Reranked",
        "growth": "embquant.report.tables.growth:Growth",
        "cost": "embquant.report.tables.settings:Cost",
        "recommendation": "embquant.report.tables.recommendation:Recommended",
        "worst_queries": "embquant.report.tables.comparisons:WorstQueries",
        "losses": "embquant.report.tables.comparisons:Losses",
        "examples": "embquant.report.tables.comparisons:Examples",
        "drift": "embquant.report.tables.drift:Drift",
        "left_out": "embquant.report.tables.settings:LeftOut",
    },
)
"""The tables by the name of their file, in the order in which a run lists them."""

__all__ = ["TABLES"]
