"""What a study can't tell: whether a baseline found anything by more than chance, and settings with too few queries."""

import numpy as np
import pandas as pd

from embquant.measure.statistics import queries_needed
from embquant.report.measure import Measure
from embquant.report.numbers.quality import at_chance
from embquant.study import NO_STORE
from embquant.study.study import Study


def chance_words(rows: pd.DataFrame, study: Study) -> list[str]:
    """Tell of each dataset in ``rows``, of one model, whose baseline isn't distinguishable from chance."""
    found = []
    for dataset, of_dataset in rows[at_chance(rows)].groupby("dataset", sort=False):
        baseline = of_dataset[of_dataset["method"] == study.config.baseline].sort_values("top_k", kind="stable")
        is_judged = [_is_judged(metric) for metric in baseline["compared_in"]]
        first = baseline.iloc[np.argmax(is_judged)]
        metric, p = first["compared_in"], first["baseline_p"]
        value = f"{metric} {first[metric]:.4f}, " if any(is_judged) else ""
        found.append(
            f"{study.config.baseline} itself isn't distinguishable from chance on {dataset} · {first['model']}: "
            f"{value}p = {p:.2g} with judgements permuted among {first['queries']:,} queries"
        )
    return found


def with_queries_needed(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Append of how many queries the lower bound would meet ``min_retention``, if what was measured is true.

    ``queries_needed`` is 0 where the lower bound meets it already, and infinite where not even the value does. A value
    above 1 is taken as 1: of many settings the best are better than they are. Where no retention is required, it is 0.
    """
    limit = study.config.requirements.min_retention
    if limit is None:
        return rows.assign(queries_needed=0.0)
    is_baseline = (rows["method"] == study.config.baseline) & (rows["rescore_store"] == NO_STORE)
    keys = ["dataset", "model", "top_k"]
    baselines = rows[is_baseline].set_index(keys)
    places = pd.MultiIndex.from_frame(rows[keys])
    needed = pd.Series(np.inf, rows.index)
    for column in rows["measure"].dropna().unique():
        measure = Measure.of_settings(column)
        whole = baselines[measure.metric].reindex(places).to_numpy() if measure.is_retention else np.ones(len(rows))
        open_ = (
            (rows["measure"] == column) & (rows["kept_low"] < limit) & (rows["kept"].clip(upper=1) > limit)
        ).to_numpy()
        some = rows[open_]
        needed[open_] = queries_needed(
            some["queries"].to_numpy(),
            (some["kept"] - some["kept_low"]).to_numpy(),
            (some["kept"].clip(upper=1) - limit).to_numpy(),
            whole[open_],
            study.config.statistics.confidence,
        )
    return rows.assign(queries_needed=needed.mask(rows["kept_low"] >= limit, 0))


def _is_judged(metric: object) -> bool:
    measure = Measure.of_metric(str(metric))
    return measure is not None and measure.is_retention
