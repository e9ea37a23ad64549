"""What to know of a setting besides its mean, in words: what ties do to it, what its graph loses, what loses all."""

from collections.abc import Iterator

import pandas as pd

from embquant.measure.quality import INDEX_OVERLAP
from embquant.report.measure import Measure
from embquant.report.numbers.spread import EXPECTED, GREATEST, LEAST, LOST, judged_by_expected, ties_matter
from embquant.study import NO_STORE
from embquant.study.study import Study

VARIED = ["method", "rescore_store", "rescore_multiplier"]

LEAST_FOUND = 0.99
"""Share of an exact scan's documents that an approximate index is commonly expected to find."""

MOST_NAMED = 2
"""Settings that are named where ties move many: those that they move most."""


def caveats(setting: pd.Series, rows: pd.DataFrame, study: Study) -> list[str]:
    """Tell what to know of ``setting`` on every dataset of ``rows``, which are settings of one model and ``top_k``."""
    same = (rows[VARIED] == setting[VARIED].to_numpy()).all(axis=1)
    found = [*tie_words(rows[same]), *graph_words(rows[rows["method"] == setting["method"]], study)]
    return [*found, *lost_words(rows[same]), *drift_words(rows[same], study), *originals_words(rows[same], study)]


def codes_alone_words(study: Study) -> list[str]:
    """Say what is compared with in place of float vectors, and what can't be told; nothing where there are floats."""
    codes = study.config.reference
    if codes is None:
        return []
    return [
        f"everything is compared with {study.config.baseline}, the provider's own {codes} codes: there are no float "
        "vectors, so what is lost against these can't be told"
    ]


def tie_words(rows: pd.DataFrame) -> list[str]:
    """Tell what ties do to the settings ``rows`` where it is more than chance does."""
    words = []
    for metric, of_metric in _by_compared(rows):
        measure = Measure.of_settings(f"retention_{metric}")
        judged = of_metric[judged_by_expected(of_metric, measure) & ties_matter(of_metric, metric)]
        if judged.empty:
            continue
        spans = judged[f"{metric}{GREATEST}"] - judged[f"{metric}{LEAST}"]
        judged = judged.loc[spans.sort_values(ascending=False, kind="stable").index]
        for dataset, settings in judged.groupby("dataset", sort=False):
            moved = [_moved(row, metric) for _, row in settings.head(MOST_NAMED).iterrows()]
            if len(settings) > MOST_NAMED:
                moved.append(f"and {len(settings) - MOST_NAMED} more settings")
            words.append(
                f"ties: another order of tied documents moves {metric} on {dataset} by more than its interval "
                f"({'; '.join(moved)}); so settings are compared by the expected value"
            )
    return words


def graph_words(rows: pd.DataFrame, study: Study) -> list[str]:
    """Tell what approximate indexes of the settings ``rows`` lose where it is more than noise, and what helps."""
    if f"{INDEX_OVERLAP}_high" not in rows:
        return []
    return [_graph_words(row, study) for _, row in rows[rows[f"{INDEX_OVERLAP}_high"] < LEAST_FOUND].iterrows()]


def lost_words(rows: pd.DataFrame) -> list[str]:
    """Tell in how many queries the settings ``rows`` lose everything."""
    words = []
    for metric, of_metric in _by_compared(rows):
        column = f"{metric}{LOST}"
        for _, row in of_metric[of_metric.get(column, pd.Series(0.0, of_metric.index)) > 0].iterrows():
            lost = f"{_named(row)}: {row[column]:.1%} of queries on {row['dataset']} lose everything"
            words.append(f"{lost} ({metric} is 0, float32's is not)")
    return words


def drift_words(rows: pd.DataFrame, study: Study) -> list[str]:
    """Tell which of the settings ``rows`` lose more than noise if documents are added after codecs are fitted."""
    if study.config.fit_on is None:
        return []
    words = []
    for (dataset, metric), tested in rows.dropna(subset="drift_verdict").groupby(["dataset", "compared_in"]):
        losses = tested["drift_mean_drifted"] - tested["drift_mean"]
        worse = tested.loc[losses[tested["drift_verdict"] == "worse"].sort_values(kind="stable").index]
        if worse.empty:
            continue
        named = [
            f"{_named(row)} from {row['drift_mean']:.4f} to {row['drift_mean_drifted']:.4f}"
            for _, row in worse.head(MOST_NAMED).iterrows()
        ]
        if len(worse) > MOST_NAMED:
            named.append(f"and {len(worse) - MOST_NAMED} more settings")
        words.append(
            f"drift: fitted on {study.config.fit_on.words} alone, {metric} on {dataset} falls by more than noise "
            f"({'; '.join(named)}); fit codecs and indexes again when documents have been added"
        )
    return words


def originals_words(rows: pd.DataFrame, study: Study) -> list[str]:
    """Tell what databases among the settings ``rows`` keep, and what their processes hold in memory."""
    if "originals_bytes" not in rows:
        return []
    rows = rows.dropna(subset="originals_bytes").drop_duplicates(["dataset", "model", "method"])
    databases = rows["method"].map({name: method.entry.index for name, method in study.methods.items()})
    groups = rows.groupby(["dataset", databases], sort=False)
    return [_originals_words(str(dataset), str(database), of_one) for (dataset, database), of_one in groups]


def _originals_words(dataset: str, database: str, rows: pd.DataFrame) -> str:
    """Tell it of one database on one dataset: the least and the greatest of its ``rows``."""
    held = rows["resident_bytes"] + rows["mapped_bytes"]
    quantized = rows["bytes_per_vector"] < 4 * rows["dim"]
    processes = [
        f"{_megabytes(held[of])} {how}"
        for of, how in ((quantized, "with a quantizer"), (~quantized, "without one"))
        if of.any()
    ]
    float32 = 4 * rows["dim"] * rows["vectors"]
    words = (
        f"memory: {database} on {dataset} keeps {_megabytes(rows['originals_bytes'])} of originals on disk, and "
        f"{_megabytes(rows['searched_bytes'])} of codes, graph or lists; its processes held {', '.join(processes)}. "
        f"float32 vectors take {_megabytes(float32)}"
    )
    if (rows["originals_bytes"] < float32).all():
        return words
    return (
        f"{words}. Where the originals are float32, a quantizer adds its codes to them; memory falls only where they "
        "may stay on disk"
    )


def _megabytes(sizes: pd.Series) -> str:
    least, greatest = (f"{size / 1e6:,.1f}" for size in (sizes.min(), sizes.max()))
    return f"{least} MB" if least == greatest else f"{least} to {greatest} MB"


def _graph_words(row: pd.Series, study: Study) -> str:
    method = study.methods[row["method"]]
    helps = [f"search wider ({method.index_class.breadth})"] if method.index_class.breadth else []
    if not getattr(study.config.models[row["model"]], "normalize", True):  # a type of another package may lack it
        helps.append("normalize: true, if the lengths of vectors mean nothing")
    lost = row.get(f"{INDEX_OVERLAP}{LOST}", 0.0)
    if lost > 0:
        helps.append("leave copies of a text out of the corpus")
    nothing = f", and nothing for {lost:.1%} of queries" if lost > 0 else ""
    found = f"its {method.entry.index} index finds {row[INDEX_OVERLAP]:.1%} of what a scan of the same codes finds"
    advice = f"; what may help: {'; '.join(helps)}" if helps else ""
    return f"{row['method']}: {found} on {row['dataset']}{nothing}{advice}"


def _by_compared(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each metric that settings are compared in, with its settings."""
    if "compared_in" in rows:
        for metric, of_metric in rows.groupby("compared_in", sort=False):
            yield str(metric), of_metric


def _moved(row: pd.Series, metric: str) -> str:
    least, greatest, expected = (row[f"{metric}{end}"] for end in (LEAST, GREATEST, EXPECTED))
    return f"{_named(row)} from {least:.4f} to {greatest:.4f}, expected {expected:.4f}"


def _named(row: pd.Series) -> str:
    if row["rescore_store"] == NO_STORE:
        return str(row["method"])
    return f"{row['method']} rescored by {row['rescore_store']} ×{row['rescore_multiplier']}"
