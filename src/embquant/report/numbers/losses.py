"""Where quantizing hurts: the queries that lose most, what they lose and why; loss by kinds of queries.

Settings are those that the summary lists, measured in the study's first judged metric, or in overlap@k where nothing is
judged, at the least top_k that has it. docs/columns.md explains the columns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from embquant.measure.judgements import Judgements
from embquant.measure.metrics import Metric, parse_metric
from embquant.measure.quality import Sweep
from embquant.measure.ties import reached
from embquant.report.numbers.explained import one_kind_of_line_break
from embquant.report.numbers.intervals import Chance, Resamples
from embquant.report.numbers.lost import Ranked, cutoff_margins, lost_document, relevance_margins
from embquant.report.numbers.measured import Measured
from embquant.report.numbers.quality import in_summary
from embquant.retrieve.candidates import Candidates
from embquant.retrieve.rescoring import Store
from embquant.study import Setting

EXAMPLE_DOCUMENTS = 10
LOSES_MOST, MIDDLE_OF_LOSING, MIDDLE_OF_ALL = "loses most", "middle of those that lose", "middle of all"


@dataclass(frozen=True)
class ComparedSettings:
    """Settings whose losses are explained, without the baseline, and their values of ``metric`` per query.

    ``measured`` are float64 (settings, queries), ``baseline`` those of the baseline, float64 (queries,).
    """

    settings: pd.DataFrame
    metric: Metric
    measured: np.ndarray
    baseline: np.ndarray

    @classmethod
    def of(cls, measured: Measured, baseline: str) -> Self | None:
        """Take the settings at the least top_k that has the metric that counts most; None where there are none."""
        compared = measured.compared()
        if compared is None or set(measured.settings["method"]) == {baseline}:
            return None
        measure, group = compared
        settings = group.settings.reset_index(drop=True)
        values = group.metrics[measure.metric]
        reference = values[np.flatnonzero(settings["method"] == baseline)[0]]
        settings = settings[settings["method"] != baseline]
        return cls(settings.reset_index(drop=True), parse_metric(measure.metric), values[settings.index], reference)

    def listed(self, multipliers: Sequence[int]) -> Self:
        """Return those of the settings that the summary lists."""
        settings = in_summary(self.settings, multipliers)
        return replace(self, settings=settings.reset_index(drop=True), measured=self.measured[settings.index])

    @property
    def losses(self) -> np.ndarray:
        """The baseline's value minus each setting's, per query, float64 (settings, queries)."""
        return self.baseline - self.measured

    def methods(self) -> list[str]:
        """Return the methods, in the order of the study."""
        return list(dict.fromkeys(self.settings["method"]))

    def keys(self, setting: int) -> dict[str, Any]:
        """Return the columns that say which setting and metric a row is of."""
        return {**self.settings.drop(columns="queries").iloc[setting].to_dict(), "metric": str(self.metric)}


@dataclass(frozen=True)
class SearchedQueries:
    """The queries of a dataset, and what an exact float32 search finds for them.

    ``vectors`` are float32 (queries, dim); ``rows`` and ``scores`` (queries, depth) are the exact ranking; ``exact``
    has the float32 vectors of the documents.
    """

    compared: ComparedSettings
    ids: list[str]
    texts: list[str]
    vectors: np.ndarray
    judgements: Judgements | None
    rows: np.ndarray
    scores: np.ndarray
    exact: Store
    stores: Mapping[str, Store]

    def worst(self, method: str, run: Path, number: int) -> Iterator[dict[str, Any]]:
        """Yield one row for each of the at most ``number`` queries that lose most, in each setting of a method.

        Of queries that lose as much, the first of the dataset comes first. ``document`` is still a row of the corpus.
        """
        losing = {at: most(self.compared.losses[at], number).tolist() for at in self._settings(method)}
        rankings = self._rankings(losing, run)
        for at, queries in losing.items():
            for place, query in enumerate(queries):
                row = self._lost(query, rankings[at, query], setting_of(self.compared, at))
                loss = self.compared.losses[at, query]
                yield {**self.compared.keys(at), "place": place + 1, **self._asked(at, query), "loss": loss, **row}

    def examples(self, method: str, run: Path) -> Iterator[dict[str, Any]]:
        """Yield the first documents of float32 and of each setting of a method, for three queries.

        Queries are those of :func:`telling`. ``document`` and ``baseline_document`` are still rows of the corpus.
        """
        compared = self.compared
        chosen = {at: telling(compared.losses[at], compared.baseline) for at in self._settings(method)}
        rankings = self._rankings({at: list(told) for at, told in chosen.items()}, run)
        for at, told in chosen.items():
            for query, (example, among) in told.items():
                keys = {**compared.keys(at), "example": example, "among": among, **self._asked(at, query)}
                for rank, (before, after) in enumerate(self._side_by_side(query, rankings[at, query][0]), start=1):
                    baseline = {"baseline_document": before[0], "baseline_gain": before[1]}
                    yield {**keys, "rank": rank, **baseline, "document": after[0], "gain": after[1]}

    def _side_by_side(self, query: int, returned: np.ndarray) -> Iterator[tuple[tuple[int, float], tuple[int, float]]]:
        """Yield the first documents of float32 and those of a setting, each with its gain; a row is −1 for none."""
        shown = min(EXAMPLE_DOCUMENTS, len(returned), self.rows.shape[1])
        gains = self._gains(query)
        before, after = self.rows[query, :shown], returned[:shown]
        of_each = (zip(rows.tolist(), gains(rows).tolist(), strict=True) for rows in (before, after))
        return zip(*of_each, strict=True)

    def _settings(self, method: str) -> list[int]:
        return np.flatnonzero(self.compared.settings["method"] == method).tolist()

    def _asked(self, setting: int, query: int) -> dict[str, Any]:
        """Return the columns on a query, and its values in a setting."""
        return {
            "query_id": self.ids[query],
            "query": one_kind_of_line_break(self.texts[query]),
            "baseline_value": self.compared.baseline[query],
            "value": self.compared.measured[setting, query],
        }

    def _rankings(
        self, queries: Mapping[int, Sequence[int]], run: Path
    ) -> dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]:
        """Return what settings of one method found for some ``queries`` of each.

        By setting and query these are the documents that it returned, int64 (top_k,), and the candidates that were
        ranked, int64 (depth,).
        """
        chosen = np.unique([query for of_setting in queries.values() for query in of_setting])
        if not len(chosen):
            return {}
        sweep = Sweep(SomeCandidates(run / "candidates.parquet", chosen), self.vectors[chosen], self.stores)
        settings = {setting_of(self.compared, at): at for at in queries}
        place = {query: at for at, query in enumerate(chosen.tolist())}
        return {
            (settings[setting], query): (best.rows[place[query]], best.pool.rows[place[query], : setting.depth])
            for setting, best in sweep.rankings(list(settings))
            for query in queries[settings[setting]]
        }

    def losses(self, chance: Chance) -> list[dict[str, Any]]:
        """Return one row per setting and quarter of the queries, for each of two properties of queries."""
        compared = self.compared
        first = compared.settings.iloc[0]
        found = {}
        for by, values in {"query_words": self.words(), "baseline_margin": self.margins()}.items():
            for low, high, queries in quarters(values):
                resamples = Resamples(first["dataset"], len(queries), chance)
                ends = resamples.difference(
                    np.broadcast_to(compared.baseline[queries], (len(compared.settings), len(queries))),
                    compared.measured[:, queries],
                )
                found[by, low, high] = len(queries), ends
        names = ["mean_loss", "mean_loss_low", "mean_loss_high"]
        return [
            {
                **compared.keys(at),
                **{"by": by, "bin_low": low, "bin_high": high, "queries": queries},
                **dict(zip(names, ends[:, at], strict=True)),
            }
            for at in range(len(compared.settings))
            for (by, low, high), (queries, ends) in found.items()
        ]

    def words(self) -> np.ndarray:
        """Return the number of words of each query, as white space separates them, float64 (queries,)."""
        return np.array([len(text.split()) for text in self.texts], dtype=np.float64)

    def margins(self) -> np.ndarray:
        """Return the gap of scores by which float32 decides, float64 (queries,).

        With judgements it lies between the best relevant and the best other document, without any at the cut-off.
        """
        if self.judgements is None:
            return cutoff_margins(self.scores, self.compared.metric.cutoff or self.scores.shape[1])
        return relevance_margins(self.vectors, self.judgements, self.exact, self.rows, self.scores)

    def _lost(self, query: int, found: tuple[np.ndarray, np.ndarray], setting: Setting) -> dict[str, Any]:
        """Return the columns on the document that a query lost, with its row for ``document``."""
        returned, candidates = found
        baseline = self.rows[query, : setting.top_k]
        gains = self._gains(query)
        before, after = (Ranked(rows, gains(rows)) for rows in (baseline, returned))
        lost = lost_document(self.compared.metric, before, after, candidates)
        ranks = {"baseline_rank": lost.baseline_rank, "rank": lost.rank}
        return {"document": lost.row, **ranks, "reason": lost.reason}

    def _gains(self, query: int) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function from documents (k,) to their gains: relevance, or being one of the exact k best."""
        judgements = self.judgements
        if judgements is not None:
            return lambda rows: judgements.gains(rows[None], np.array([query]))[0]
        least = reached(self.scores[query, min(self.compared.metric.cutoff, self.scores.shape[1]) - 1])
        vector = self.vectors[query : query + 1]
        return lambda rows: (self.exact.score(vector, rows[None])[0] >= least).astype(np.float64)


class SomeCandidates(Candidates):
    """A candidates file, of which only some queries are read."""

    def __init__(self, path: Path, queries: np.ndarray) -> None:
        """Open the file for ``queries``, int64 rows."""
        super().__init__(path)
        self._queries = queries

    def read(self, group: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rows int64 and scores float64 (some queries, candidates) of a row group, best first."""
        rows, scores = super().read(group)
        return rows[self._queries], scores[self._queries]


def setting_of(compared: ComparedSettings, setting: int) -> Setting:
    """Return a setting as the sweep knows it."""
    row = compared.settings.iloc[setting]
    return Setting(row["rescore_store"], int(row["rescore_multiplier"]), int(row["top_k"]))


def most(losses: np.ndarray, number: int) -> np.ndarray:
    """Return the at most ``number`` queries with the greatest ``losses`` (queries,) above 0, the greatest first."""
    queries = np.argsort(-losses, kind="stable")[:number]
    return queries[losses[queries] > 0]


def telling(losses: np.ndarray, baseline: np.ndarray) -> dict[int, tuple[str, int]]:
    """Return at most three queries that tell what ``losses`` (queries,) mean, with what each is an example of.

    These are the query that loses most, the middle one of those that lose, and the middle one of all; each stands with
    the number of queries among which it was chosen. Of those that lose as much, the middle one has the middle value of
    ``baseline`` (queries,).
    """
    losing = np.lexsort((baseline, -losses))[: np.count_nonzero(losses > 0)]
    found: dict[int, tuple[str, int]] = {}
    for example, queries, place in (
        (LOSES_MOST, losing, 0),
        (MIDDLE_OF_LOSING, losing, len(losing) // 2),
        (MIDDLE_OF_ALL, np.lexsort((baseline, -losses)), len(losses) // 2),
    ):
        if len(queries):
            found.setdefault(int(queries[place]), (example, len(losses) if example == LOSES_MOST else len(queries)))
    return found


def quarters(values: np.ndarray) -> Iterator[tuple[float, float, np.ndarray]]:
    """Yield the least value, the greatest, and the places, int64, of each quarter of ``values`` (n,).

    Equal values are in the same quarter, so that quarters differ in size, and there may be fewer. NaN is in none.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return
    edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75], method="inverted_cdf"))
    quarter = np.where(np.isnan(values), -1, np.searchsorted(edges, values))
    for number in range(len(edges) + 1):
        places = np.flatnonzero(quarter == number)
        if len(places):
            yield float(values[places].min()), float(values[places].max()), places
