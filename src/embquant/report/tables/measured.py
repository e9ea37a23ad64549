"""What was measured: retrieval, memory, speed and the time to embed."""

import pandas as pd

from embquant.files.atomic import read_json
from embquant.report.numbers.measurements import MEMORY, SPEED, Measurements
from embquant.report.numbers.significance import RUN, SETTING
from embquant.report.reports import Reports
from embquant.report.show.rendering import Column, TableView
from embquant.report.tables.base import PLACE, ReportTable

EMBEDDING = [
    *("dim", "backend", "device", "threads"),
    *("query_latency_p50_ms", "query_latency_p95_ms", "query_latency_p99_ms", "documents_per_second"),
]


class Retrieval(ReportTable):
    """Quality of every setting and its agreement with float32, means over queries, with intervals."""

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting."""
        return measured.with_pareto(measured.retrieval)


class Memory(ReportTable):
    """Bytes of vectors and files, and what a process that searches them holds."""

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per method and store."""
        return measured.with_pareto(measured.memory[[*RUN, "rescore_store", *MEMORY]])


class Speed(ReportTable):
    """Latency of single queries, queries per second, and the time to build."""

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per setting."""
        return measured.with_pareto(measured.speed[[*RUN, *SETTING, *SPEED]])


class Embedding(ReportTable):
    """The time to embed queries and documents."""

    section = "embedding"

    def rows(self, measured: Measurements) -> pd.DataFrame:
        """Return one row per dataset and model whose embedding was timed."""
        places = [dict(zip(PLACE, path.parts[-3:-1], strict=True)) for path in measured.embedding]
        rows = [{**place, **read_json(path)} for place, path in zip(places, measured.embedding, strict=True)]
        return pd.DataFrame(rows, columns=[*PLACE, *EMBEDDING])

    def view(self, reports: Reports) -> TableView:
        """Return all rows; none where all embeddings were given."""
        columns = {
            **PLACE,
            "dim": Column("dimensions", ".0f"),
            "backend": Column("backend"),
            "device": Column("device"),
            "threads": Column("threads", ".0f"),
            "query_latency_p50_ms": Column("p50 ms per query", ".1f"),
            "query_latency_p95_ms": Column("p95 ms", ".1f"),
            "documents_per_second": Column("documents/s", ",.1f"),
        }
        note = "Time to embed, which no search above includes."
        return TableView("embedding", "Embedding", note, reports.table("embedding"), columns)
