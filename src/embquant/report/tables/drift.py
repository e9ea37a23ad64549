"""The table of what is lost where documents come after codecs and indexes were fitted."""

import pandas as pd

from embquant.report.numbers.measurements import Measurements
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.report.tables.base import SETTING, ReportTable, for_readers, p_column, place_columns


class Drift(ReportTable):
    """Every setting in which something is fitted: fitted on the documents of ``fit_on``, and on all."""

    optional = True
    section = "drift"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting and metric."""
        return measured.drift

    def view(self, reports: Reports) -> TableView | None:
        """Return all rows; None without ``fit_on``."""
        rows, fit_on = reports.table("drift"), reports.study.config.fit_on
        if rows.empty or fit_on is None:
            return None
        columns = {
            **place_columns(reports),
            **SETTING,
            "metric": Column("metric"),
            "kept": Column("fitted on all: kept", ".4f", "share of float32's value, or agreement", interval=True),
            "kept_drifted": Column("on some: kept", ".4f", f"fitted on {fit_on.words}", interval=True),
            "difference": Column("difference", "+.4f", "of the metric: fitted on some minus on all", interval=True),
            "p_holm": p_column("settings of the same top_k"),
            "verdict_words": Column("verdict", meaning="≈ noise: not distinguishable from being fitted on all"),
            "differing": Column("queries that differ", ",.0f", detail=True),
            "least_detectable": Column(
                "least detectable", ".4f", "difference that four of five studies find", detail=True
            ),
            "clipped_drifted": Column("clipped", ".2%", "values outside of the range that the codec was fitted to"),
            "store_clipped_drifted": Column("store clipped", ".2%", "likewise, of the rescore store", detail=True),
        }
        top_k = reports.scopes[0].top_k
        return TableView(
            "drift",
            "Fitted on some of the documents, and on all",
            f"Ranges, thresholds, maps such as PCA, codebooks and lists are fitted on {fit_on.words}, and all "
            "documents are encoded. Paired randomization tests over queries.",
            for_readers(rows),
            columns,
            filters=("dataset", "model", "metric", "top_k", "method", "store", "verdict_words"),
            first={"top_k": str(top_k)},
            short=rows["top_k"] == top_k,
        )
