"""The verdict on a study: as the text that a run ends with, and as what the page says first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from embquant.report.measure import FLOATS, Measure, renamed
from embquant.report.numbers.growth import BASIS, BEYOND
from embquant.report.numbers.limits import MIN_QUALITY, limits_of, named
from embquant.report.numbers.recommendation import BELOW_BEST, CHOICE, Recommendation, others_required
from embquant.report.reports import Reports, with_setting_name
from embquant.report.show.databases import in_databases
from embquant.report.show.examples import examples_of, examples_text

REQUIREMENTS = {
    "min_retention": "at least {:.2%} kept, at the lower bound",
    "max_below_best_model": "at most {:g} below the best model's float32, at the lower bound",
    "max_latency_p95_ms": "p95 of at most {:g} ms",
    "max_bytes_per_vector": "at most {:,.0f} B per vector in memory",
    "max_usd_per_month": "at most {:g} USD a month",
}
"""A requirement, in words, but for those of a metric's least value."""


CHECK = [
    "what is left of quality that is chance says nothing, so none of it is reported",
    "check that each vector has its own text's id, and that queries and documents are from the same model",
]
"""What to do where the baseline is at chance."""


def advice(found: Sequence[Recommendation], examples: pd.DataFrame, path: Path) -> str:
    """Return the start of the report: for each model its verdict, and the configuration and Python to deploy it.

    ``examples``, the table, tell in at most three queries what the setting finds in place of float32.
    """
    parts = []
    for recommendation in _first_of_each_model(found):
        parts.append("\n".join(verdict_lines(recommendation, path)))
        if recommendation.best is not None:
            parts.append(f"configuration:\n\n{recommendation.configuration}")
            parts.append(f"code:\n\n{recommendation.deployment_code}")
            if told := examples_of(examples, pd.Series({"model": recommendation.model, **recommendation.best})):
                parts.append(examples_text(told, named(recommendation.best), recommendation.reference))
    return "\n\n".join(parts)


def verdicts(found: Sequence[Recommendation], path: Path) -> str:
    """Return the end of the report: each model's verdict."""
    return "\n\n".join("\n".join(verdict_lines(first, path)) for first in _first_of_each_model(found))


def _first_of_each_model(found: Sequence[Recommendation]) -> list[Recommendation]:
    return list({one.model: one for one in reversed(found)}.values())[::-1]


def verdict_lines(found: Recommendation, path: Path) -> list[str]:
    """Return the lines that a run ends with, five as a rule; ``path`` is the report that has more.

    First comes what is at chance, and where BM25 beats vectors; before the last line, what else to know and what more
    queries would settle.
    """
    return [renamed(line, found.reference) for line in _lines(found, path)]


def _lines(found: Recommendation, path: Path) -> list[str]:
    place = f"{found.where} · {found.model}"
    last = f"   all settings: {path.with_suffix('.csv')}"
    if found.settings["kept"].isna().all() and found.chance:
        return [
            *found.chance,
            *found.news,
            f"Verdict for {place}: nothing is recommended",
            *(f"   {line}" for line in CHECK),
            last,
        ]
    size = [f"   {found.deployed}"] if found.deployed else []
    more = [f"   more queries: {found.more_queries}"] if found.more_queries else []
    limits = " and ".join(f"{name} {limit:g}" for name, limit in found.limits.items())
    if found.best is not None:
        second = "nothing else" if found.runner_up is None else f"{named(found.runner_up)}: {figures(found.runner_up)}"
        return [
            *found.chance,
            *found.news,
            f"Verdict for {place}: {named(found.best)}",
            f"   required: {limits}, which {len(found.fitting)} of {len(found.settings)} settings meet; "
            "none of them is cheaper",
            *size,
            f"   it {figures(found.best)}{_saving(found, found.best)}",
            *(f"   {words}" for words in float32_words(found.float32_bytes)),
            f"   runner-up: {second}",
            *(f"   beware: {caveat}" for caveat in found.caveats),
            *more,
            f"   to deploy it: configuration and code at the start of {path}; for databases, databases.md beside it",
            *(f"   {words}: plain_code in recommendation.csv beside it" for words in plain_words(found.plain)),
        ]
    lines = ["no metric of the study has a value here; add overlap@k, k ≤ top_k", "so nothing can be said of quality"]
    if found.relaxations:
        nearest = found.relaxations[0].setting
        lines = [f"to be relaxed: {'; or '.join(map(str, found.relaxations))}", f"{named(nearest)} {figures(nearest)}"]
    return [
        *found.chance,
        *found.news,
        f"Verdict for {place}: none of {len(found.settings)} settings meets the requirements",
        f"   required: {limits}",
        *size,
        *(f"   {line}" for line in lines),
        *more,
        last,
    ]


def figures(setting: pd.Series) -> str:
    """Return what a setting keeps, takes and costs, in words."""
    measure, kept, low = setting[["measure", "kept", "kept_low"]]
    of = Measure.of_settings(measure)
    if of.is_retention:
        verb = "is expected to keep" if setting[BASIS] == BEYOND else "keeps"
        share = f"{verb} {kept:.2%} of float32's {of.metric}"
    else:
        share = f"agrees with float32 by {kept:.2%} ({measure}; nothing is judged)"
    bound = f", {low:.2%} at the interval's lower bound" if low < kept else ", without an interval" * pd.isna(low)
    quality = _quality_words(of.metric, setting) if "model" in setting else ""
    vectors, timed = setting[["vectors", "timed_vectors"]]
    place = "" if vectors == timed else f" as timed on {timed:,} vectors"
    return (
        f"{quality}{share}{bound}; p95 {three_digits(setting['latency_p95_ms'])} ms{place}; "
        f"{setting['memory_bytes_per_vector']:,.0f} B per vector in memory; "
        f"{usd(setting['usd_per_month'])} USD a month for {vectors:,} vectors"
    )


def plain_words(timed: pd.Series | None) -> list[str]:
    """Say how fast the Python without this library is beside it; nothing where there is none."""
    if timed is None or pd.isna(timed["plain_latency_p50_ms"]):
        return []
    plain, own = timed["plain_latency_p50_ms"], timed["latency_p50_ms"]
    times = f"the median query takes {three_digits(plain)} ms instead of {three_digits(own)} ms"
    return [f"without this library, with NumPy and FAISS or USearch alone, {times}"]


def float32_words(size: float) -> list[str]:
    """Say that float32 vectors of ``size`` bytes aren't needed; nothing where they are, and ``size`` is NaN."""
    if pd.isna(size):
        return []
    added = f"add {three_digits(size / 1e9)} GB"
    return [f"no vector need be kept in float32; if your database holds them all the same, {added}"]


def _quality_words(metric: str, setting: pd.Series) -> str:
    """Return the quality itself of a setting that is chosen among models, and what it has against the best model."""
    below = setting[BELOW_BEST]
    others = "".join(f"{name} of at least {low:.4f}; " for name, low in others_required(setting).items())
    against = f"at most {below:.4f} below" if below >= 0 else f"at least {-below:.4f} above"
    return (
        f"has {metric} {setting[metric]:.4f}, {setting[f'{metric}_low']:.4f} at the interval's lower bound, {against} "
        f"the best model's float32; {others}"
    )


def _saving(found: Recommendation, best: pd.Series) -> str:
    """Tell how much less than the baseline it costs, unless it is the baseline, or all is free."""
    baselines = found.settings[found.settings["method"] == found.baseline]
    baseline = (baselines[baselines["model"] == best["model"]] if "model" in best else baselines).iloc[0]
    if best["method"] == found.baseline or best["usd_per_month"] == 0:
        return ""
    return f", {beside(best['usd_per_month'], baseline['usd_per_month'], found.baseline)}"


def beside(value: float, reference: float, name: str) -> str:
    """Say how much less or more ``value`` is than that of ``name``, the ``reference``."""
    less, more = three_digits(reference / value), three_digits(value / reference)
    if "1" in (less, more):
        return f"as much as {name}"
    return f"{less}× less than {name}" if value < reference else f"{more}× as much as {name}"


def three_digits(value: float) -> str:
    """Write a number with three digits that count, and without an exponent up to a million: 0.00123, 12.3, 1,230."""
    return f"{float(f'{value:.3g}'):,g}"


def usd(price: float) -> str:
    """Write a price: with cents, or with two digits if it is less than a dollar."""
    return f"{price:,.2f}" if price >= 1 else f"{price:.2g}"


def page_verdicts(reports: Reports) -> list[dict[str, Any]]:
    """Return each model's verdict as the page shows it: on all datasets together, where there are several.

    Each is a row of recommendation.csv and in words ``place``, ``requirements``, ``figures`` and ``runner_up``;
    ``setting`` is empty where none meets the requirements.
    """
    rows = with_setting_name(reports.table("recommendation"))
    return [_page_verdict(reports, of_model.iloc[0]) for _, of_model in rows.groupby("model", sort=False)]


def _page_verdict(reports: Reports, row: pd.Series) -> dict[str, Any]:
    limits, chosen = limits_of(reports.study), row.get("chosen_model", row["model"])
    not_needed = float32_words(row["float32_bytes"])
    plain = plain_words(row if "plain_code" in row else None)
    whole, row, reference = row, row.where(row.notna(), ""), reports.study.config.compared_with
    return {
        **row,
        "place": f"{row['where']} · {row['model']}",
        "setting": _of_model(row.get("chosen_model"), row["setting"]) if row["method"] else "",
        "databases": in_databases(reports, whole),
        "at_chance": bool(row["chance"] and not row["measure"]),
        "figures": [(value, renamed(words, reference)) for value, words in _figures(reports, row)],
        "requirements": " and ".join(renamed(_required(name, limit), reference) for name, limit in limits.items()),
        "runner_up": _runner_up(row) if row["runner_up_method"] else "",
        "float32": not_needed,
        "reference": reference,
        "plain": plain,
        "examples": examples_of(reports.table("examples"), pd.Series({**row, "model": chosen})),
    }


def _required(requirement: str, limit: float) -> str:
    """Return a requirement in words."""
    if requirement.startswith(MIN_QUALITY):
        return f"{requirement.removeprefix(MIN_QUALITY)} of at least {limit:g}, at the lower bound"
    return REQUIREMENTS[requirement].format(limit)


def _of_model(model: str | None, setting: str) -> str:
    """Return the name of a setting, its model first where it was chosen among models."""
    return f"{model} · {setting}" if model else setting


def _figures(reports: Reports, row: pd.Series) -> list[tuple[str, str]]:
    """Return the figures of the setting, if there is one, and what they are."""
    if not row["method"]:
        return []
    measure = Measure.of_settings(row["measure"])
    share = f"of float32's {measure.metric}" if measure.is_retention else measure.axis
    summary = reports.summary
    chosen = row.get("chosen_model", row["model"])
    baseline = summary[(summary["method"] == reports.study.config.baseline) & (summary["model"] == chosen)]
    less = beside(row["memory_bytes_per_vector"], baseline["memory_bytes_per_vector"].max(), FLOATS)
    basis = "expected " if row[BASIS] == BEYOND else ""
    quality = []
    if "chosen_model" in row:
        quality = [(f"{row['quality']:.4f}", f"{measure.metric}; at least {row['quality_low']:.4f} (lower bound)")]
        quality += [(others, "at least (lower bound)") for others in [row["others_required"]] if others]
    return [
        *quality,
        (f"{row['kept']:.2%}", f"{basis}{share}; at least {row['kept_low']:.2%} (lower bound)"),
        (f"{row['memory_bytes_per_vector']:,.0f} B", f"per vector in memory, {less}"),
        (f"{three_digits(row['latency_p95_ms'])} ms", "for 95 % of single queries, as timed on this machine"),
        (f"{usd(row['usd_per_month'])} USD", f"a month for {row['vectors']:,.0f} vectors, memory and disk"),
    ]


def _runner_up(row: pd.Series) -> str:
    setting = with_setting_name(pd.DataFrame({name: [row[f"runner_up_{name}"]] for name in CHOICE}))["setting"].iloc[0]
    setting = _of_model(row.get("runner_up_model"), setting)
    low = f"{row['runner_up_kept_low']:.2%}"
    if "runner_up_quality_low" in row:
        low = f"{Measure.of_settings(row['measure']).metric} {row['runner_up_quality_low']:.4f}"
    return f"{setting}, {low} at the lower bound, {usd(row['runner_up_usd_per_month'])} USD a month"
