"""What ``check`` prints: one line per requirement, dataset and model, and the verdict."""

from collections.abc import Sequence
from pathlib import Path

from embquant.errors import harmless
from embquant.report.measure import Measure
from embquant.report.numbers.check import Bound, Check

UNITS = {"max_latency_p95_ms": " ms", "max_bytes_per_vector": " B", "max_usd_per_month": " USD"}


def check_text(found: Sequence[Check], reports: Path, at: Bound) -> str:
    """Return a line per check, aligned, below the setting and where it was measured; the last line is the verdict."""
    lines: list[str] = []
    place = ""
    widths = [max(len(_compared(one)) for one in found), max(len(one.requirement) for one in found)]
    for one in found:
        if place != (place := f"{one.dataset} · {one.model}: {one.setting or 'no setting'}"):
            lines.append(place)
        mark = "met    " if one.met else "NOT MET"
        lines.append(
            f"   {mark}  {one.requirement:{widths[1]}}  {_compared(one):{widths[0]}}  {_figure(one, at)}".rstrip()
        )
    missed = sum(not one.met for one in found)
    verdict = f"{len(found) - missed} of {len(found)} requirements met"
    return harmless("\n".join([*lines, f"{reports}: {verdict}"]))


def _compared(one: Check) -> str:
    """Return the figure beside its limit."""
    unit = UNITS.get(one.requirement, "")
    least = one.requirement.startswith("min_")
    bound = f"{'at least' if least else 'at most'} {one.limit:.6g}{unit}"
    return f"{bound}: {'no figure' if one.value is None else f'{one.value:.6g}{unit}'}"


def _figure(one: Check, at: Bound) -> str:
    """Return what the figure is, or why there is none."""
    if one.reason:
        return one.reason
    if one.requirement == "min_retention":
        measure = Measure.of_settings(one.measure)
        of = f"of float32's {measure.metric}" if measure.is_retention else f"{measure.metric} (nothing is judged)"
        lower = "no interval" if one.lower is None else f"lower bound {one.lower:.6g}"
        text = f"{of}, lower bound; mean {one.mean:.6g}" if at == "lower" else f"{of}, mean; {lower}"
        if one.expected:
            return f"{text}; expected of {one.vectors:,} vectors"
        return f"{text}; measured on {one.timed_vectors:,} vectors" if one.vectors != one.timed_vectors else text
    if one.requirement == "max_latency_p95_ms":
        return f"as timed on {one.timed_vectors:,} vectors"
    if one.requirement == "max_usd_per_month":
        return f"for {one.vectors:,} vectors"
    return "in memory" if one.requirement == "max_bytes_per_vector" else "quality itself, lower bound"
