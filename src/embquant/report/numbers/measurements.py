"""What the runs of a study have measured, and what follows from it for the whole study.

A run is one method on one dataset and model: a folder ``…/{dataset}/{model}/{method}`` with ``metrics.parquet``
(each query), ``speed.json`` and ``memory.json``. docs/columns.md explains all columns.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from embquant.files.atomic import read_json
from embquant.files.inapplicable import why_inapplicable
from embquant.files.parquet import read_metadata
from embquant.measure.quality import STORES_LEFT_OUT
from embquant.report.measure import renamed
from embquant.report.numbers.builds import with_builds
from embquant.report.numbers.caveats import codes_alone_words
from embquant.report.numbers.cost import pareto_settings, with_pareto
from embquant.report.numbers.drift import METRICS, drift_table, with_drift
from embquant.report.numbers.explained import joined
from embquant.report.numbers.growth import growth_table
from embquant.report.numbers.intervals import INTERVAL, Chance
from embquant.report.numbers.landmark import bm25_words, landmark_table
from embquant.report.numbers.measured import RUN, SETTING
from embquant.report.numbers.models import Models
from embquant.report.numbers.quality import at_chance
from embquant.report.numbers.recommendation import AMONG_MODELS, CHOICE, EVERY, Recommendation, recommendations
from embquant.report.numbers.significance import Analysis
from embquant.report.numbers.stages import FUSED, RERANKED, after_words, judged_after, stage_table
from embquant.study.study import Study

MEMORY = [
    *("vectors", "dim", "bytes_per_vector", "vector_bytes", "index_file_bytes", "store_file_bytes"),
    *("compression_vs_float32", "resident_bytes", "mapped_bytes"),
]
KEPT = ["originals_bytes", "searched_bytes"]
"""Columns of memory.csv if a study has databases: what these keep on disk."""
SPEED = [
    *("threads", "batch_queries", "rounds", "latency_p50_ms", "latency_p50_ms_low", "latency_p50_ms_high"),
    *("latency_p95_ms", "latency_p99_ms"),
    *("queries_per_second", "queries_per_second_low", "queries_per_second_high"),
    *("speedup_p50_vs_float32", "speedup_p50_vs_float32_low", "speedup_p50_vs_float32_high"),
    *("build_seconds", "peak_rss_bytes", "engine"),
]
PLAIN = [f"plain_{name}{end}" for name in ("latency_p50_ms", "queries_per_second") for end in INTERVAL]
EMBEDDING = [
    *("dim", "backend", "device", "threads"),
    *("query_latency_p50_ms", "query_latency_p50_ms_low", "query_latency_p50_ms_high"),
    *("query_latency_p95_ms", "query_latency_p99_ms"),
    *("documents_per_second", "documents_per_second_low", "documents_per_second_high"),
]


@dataclass(frozen=True)
class Measurements:
    """What a study has measured.

    ``runs`` are the folders of its runs, those of one dataset and model in a row; ``embedding`` the files
    …/{dataset}/{model}/embedding.json; ``losses`` the folders …/{dataset}/{model} that ``explain-losses`` wrote to.
    ``results`` is the folder of what the runs have built. ``own_documents`` names the datasets of which some queries
    are documents themselves, which are left out of their results. ``drifted`` are the folders of the methods that were
    fitted on the documents of ``fit_on``, like ``runs``. ``bm25_metrics`` are BM25's, …/{dataset}/bm25-metrics.parquet.
    ``repeated`` are the folders of further builds of indexes that vary.
    """

    runs: Sequence[Path]
    embedding: Sequence[Path]
    losses: Sequence[Path]
    study: Study
    results: str
    own_documents: Collection[str] = ()
    drifted: Sequence[Path] = ()
    bm25_metrics: Sequence[Path] = ()
    repeated: Sequence[Path] = ()

    @cached_property
    def applicable(self) -> list[Path]:
        """The runs that have been measured: not those whose method doesn't fit the dataset."""
        return [run for run in self.runs if why_inapplicable(run / METRICS) is None]

    @cached_property
    def left_out(self) -> pd.DataFrame:
        """Return one row per method that doesn't fit a dataset, and per rescore store that doesn't, with the reason."""
        rows = []
        for run in [*self.runs, *self.drifted]:
            reason = why_inapplicable(run / METRICS)
            stores = {None: reason} if reason else read_metadata(run / METRICS).get(STORES_LEFT_OUT, {})
            rows += [[*run.parts[-3:], store, why] for store, why in stores.items()]
        return pd.DataFrame(rows, columns=[*RUN, "rescore_store", "reason"])

    @cached_property
    def analysis(self) -> Analysis:
        """The statistics of all retrieval metrics."""
        return Analysis.of(self.applicable, self.study.config.baseline, self._chance)

    @cached_property
    def growth(self) -> pd.DataFrame:
        """Return one row per setting and number of documents."""
        return growth_table(self.applicable, self.study, self._chance)

    @cached_property
    def memory(self) -> pd.DataFrame:
        """Return one row per method and store."""
        rows = self._settings("memory.json")
        kept = [name for name in KEPT if name in rows]
        return rows[[*RUN, "rescore_store", *MEMORY, *kept, "peak_rss_bytes"]].astype(dict.fromkeys(kept, "Int64"))

    @cached_property
    def speed(self) -> pd.DataFrame:
        """Return one row per setting."""
        peaks = self.memory[[*RUN, "rescore_store", "peak_rss_bytes"]]
        speed = self._timed.merge(peaks, on=[*RUN, "rescore_store"], how="left")
        return speed[[*RUN, *SETTING, *SPEED, *PLAIN]]

    @cached_property
    def retrieval(self) -> pd.DataFrame:
        """Return one row per setting."""
        again = [run for run in self.repeated if why_inapplicable(run / METRICS) is None]
        return with_builds(self.analysis.retrieval(), self.applicable, again)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Return retrieval, speed and memory, joined on their common columns."""
        joined = self.retrieval.merge(self.speed, on=[*RUN, *SETTING], how="left")
        memory = self.memory.drop(columns="peak_rss_bytes")
        return joined.merge(memory, on=[*RUN, "rescore_store"], how="left")

    @cached_property
    def embedded(self) -> pd.DataFrame:
        """Return one row per dataset and model whose embedding was timed."""
        rows = [{**dict(zip(RUN, path.parts[-3:-1], strict=False)), **read_json(path)} for path in self.embedding]
        return pd.DataFrame(rows, columns=[*RUN[:2], *EMBEDDING])

    @cached_property
    def models(self) -> Models:
        """How the settings of all models compare; where nothing asks for that, both tables are empty."""
        if len(self.study.models) < 2 and not self.study.config.requirements.chooses_among_models:
            return Models()
        return Models.of(self.applicable, self.summary, self.embedded, self.study, self._chance)

    @cached_property
    def drift(self) -> pd.DataFrame:
        """Return one row per setting in which something is fitted, and metric."""
        drifted = [run for run in self.drifted if why_inapplicable(run / METRICS) is None]
        return drift_table(drifted, self.study)

    @cached_property
    def described(self) -> pd.DataFrame:
        """Return the summary, and of each setting what drift does to it."""
        return with_drift(self.summary, self.drift)

    @cached_property
    def bm25(self) -> pd.DataFrame:
        """Return one row per setting of judged datasets, at the least ``top_k``: how it compares with BM25."""
        return landmark_table(self.applicable, self.bm25_metrics, self.study)

    @cached_property
    def fusion(self) -> pd.DataFrame:
        """Return one row per setting whose lists are fused with another search's: what it keeps then."""
        runs = self.applicable if self.study.config.fusion else []
        return stage_table(runs, FUSED, self.retrieval, self.study)

    @cached_property
    def reranking(self) -> pd.DataFrame:
        """Return one row per setting: what it keeps once a reranker has ranked what it returns."""
        runs = self.applicable if self.study.config.reranker else []
        return stage_table(runs, RERANKED, self.retrieval, self.study)

    @cached_property
    def recommendations(self) -> list[Recommendation]:
        """What to deploy."""
        described, growth, models = self.described, self.growth, self.models.settings
        if stage := self.study.config.requirements.judge_after:
            tested = self.fusion if stage == "fusion" else self.reranking
            described, growth = judged_after(described, tested, self.study.stage_depth), None
        found = recommendations(described, self.study, self.results, self.own_documents, growth, models)
        after, reference = after_words(self.study), self.study.config.compared_with
        return [
            replace(
                one,
                news=[*codes_alone_words(self.study), *self._news(one)],
                caveats=[renamed(words, reference) for words in one.caveats],
                deployed=renamed(after, reference) or one.deployed,
                plain=self._plain(one),
                reference=reference,
            )
            for one in found
        ]

    def _news(self, found: Recommendation) -> list[str]:
        """Tell where BM25 beats the baseline, or what is recommended: alone, so not what is judged after a stage."""
        required = self.study.config.requirements
        best = None if required.judge_after else found.best
        model = found.model if found.best is None else found.best.get("model", found.model)
        rows = self.bm25 if model == AMONG_MODELS else self.bm25[self.bm25["model"] == model]
        if found.dataset != EVERY:
            rows = rows[rows["dataset"] == found.dataset]
        return [
            words
            for _, of_model in rows.groupby("model", sort=False)
            for words in bm25_words(of_model, self.study.config.baseline, best)
        ]

    @cached_property
    def examples(self) -> pd.DataFrame:
        """Return what float32 and each recommended setting find for three queries, one row per rank.

        None are there if settings are judged after a stage: these lists are what goes into it. None are of a dataset on
        which the baseline is at chance.
        """
        told = self.summary.loc[~at_chance(self.summary), RUN[:2]].drop_duplicates()
        rows = joined(self.losses, "examples").merge(told)
        if self.study.config.requirements.judge_after:
            return rows.iloc[:0]
        chosen = pd.DataFrame(
            [
                {"dataset": found.dataset, "model": found.model, **found.best}
                for found in self.recommendations
                if found.best is not None
            ],
            columns=["dataset", "model", *CHOICE, "top_k"],  # a setting that is chosen among models has its own
        )
        everywhere = chosen[chosen["dataset"] == EVERY].drop(columns="dataset").merge(rows)
        return pd.concat([everywhere, chosen.merge(rows)])[rows.columns].drop_duplicates(ignore_index=True)

    def with_pareto(self, table: pd.DataFrame) -> pd.DataFrame:
        """Append ``pareto`` to a table of settings, or of methods and stores: whether no other surpasses one."""
        return with_pareto(table, self._pareto)

    def _plain(self, found: Recommendation) -> pd.Series | None:
        """Return what was timed of the Python that does without this library; None without it, or before a stage."""
        if found.best is None or self.study.config.requirements.judge_after:
            return None
        chosen = pd.DataFrame([{"dataset": found.deployed_on, "model": found.model, **found.best}])
        timed = chosen[["dataset", "model", *CHOICE, "top_k"]].merge(self._timed.dropna(subset="plain_code"))
        return None if timed.empty else timed.iloc[0][["plain_code", "plain_latency_p50_ms", "latency_p50_ms"]]

    @cached_property
    def _timed(self) -> pd.DataFrame:
        """The settings as they were timed, with the code of those that do without this library."""
        timed = self._settings("speed.json")
        return timed.reindex(columns=[*timed.columns, *({*PLAIN, "plain_code"} - {*timed.columns})])

    @property
    def _chance(self) -> Chance:
        return Chance(**self.study.config.statistics.model_dump())

    @cached_property
    def _pareto(self) -> pd.DataFrame:
        return pareto_settings(self.summary, self.study)

    def _settings(self, file: str) -> pd.DataFrame:
        tables = []
        for run in self.applicable:
            measured = read_json(run / file)
            shared = {name: value for name, value in measured.items() if name in SPEED}
            keys = dict(zip(RUN, run.parts[-3:], strict=True))
            tables.append(pd.DataFrame(measured["settings"]).assign(**keys, **shared))
        return pd.concat(tables, ignore_index=True)
