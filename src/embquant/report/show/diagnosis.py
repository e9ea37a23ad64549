"""What ``diagnose`` prints of vectors."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from embquant.errors import harmless
from embquant.measure.diagnosis import Diagnosis

if TYPE_CHECKING:
    from embquant.measure.power import Power  # which imports SciPy, and a run begins without

TRIED = {"binary": "bits", "binary_centred": "bits, centred", "int8": "int8"}
"""Codecs that are tried, in words."""

BANDS = (
    (0.55, "0.87 to 0.97", "0.98 to 1.00", 8),
    (0.45, "0.70 to 0.90", "0.95 to 1.00", 8),
    (0.39, "0.71 to 0.79", "0.93 to 0.98", 4),
)
"""Least share of the first 10 that bits find in a sample, what bits kept of nDCG@10 in such cases, what they kept
rescored ×4 by int8, and the number of cases; measured on at most 20,000 documents (docs/diagnose.md)."""

MEASURED_K = 10
"""The k that ``BANDS`` are measured at."""

GAIN_ERROR = 0.04
"""How far the gain by centring in a sample was from that in the collection, at most."""

SHOWN = 8
"""Dimensions that are named at most."""


def diagnosis_text(found: Diagnosis, name: str) -> str:
    """Return the figures, one per line, below what was read."""
    asked = (
        f"{found.queries:,} of the vectors, each among all others"
        if found.own_queries
        else f"{found.queries:,} queries"
    )
    head = f"{name}: {found.vectors:,} vectors of {found.dim:,} dimensions, {found.sampled:,} of them sampled; {asked}"
    lines = list(_figures(found))
    widths = [max(len(line[column]) for line in lines) for column in (0, 1)]
    rows = [f"   {label:{widths[0]}}  {value:{widths[1]}}  {more}".rstrip() for label, value, more in lines]
    return harmless("\n".join([head, *rows]))


def diagnosis_line(found: Diagnosis) -> str:
    """Return the figures in a line, as a run's summary has them."""
    return (
        f"vectors: {_directions(found)}; margin {_shown(found.margin, '.1%')}; "
        f"{found.duplicates:.1%} duplicates; found of float32's first {found.k} in a sample: {_tried(found)}"
    )


def sample_words(found: Diagnosis) -> str:
    """Return what some hundreds of vectors tell of all, as a run begins with: not margins or duplicates."""
    tried = "" if found.overlap["int8"] is None else f"; found of float32's first {found.k} among them: {_tried(found)}"
    return f"{found.vectors:,} sampled: {_directions(found)}{tried}"


def lessons_text(found: Diagnosis) -> str:
    """Return what the collections that were measured tell of vectors such as these; empty if nothing."""
    bits, centred = found.overlap["binary"], found.overlap["binary_centred"]
    if bits is None or centred is None or found.k != MEASURED_K:
        return ""
    kept = "fewer are found than in any of them; measure before you use bits"
    for least, plain, rescored, cases in BANDS:
        if bits >= least:
            kept = f"{cases} cases near this kept {plain} of nDCG@10, rescored ×4 by int8 {rescored}"
            break
    gain = centred - bits
    pays = (
        "pays here" if gain > GAIN_ERROR else "costs here" if gain < -GAIN_ERROR else "makes no difference that shows"
    )
    lines = [
        ("bits", kept),
        ("centring", f"{pays}: {gain:+.1%} found in the sample, which was at most {GAIN_ERROR:.0%} off"),
        ("int8", "kept 0.998 or more of nDCG@10 in all cases, whatever the figures"),
        ("the others", "predicted no loss: mean, effective dimension, range, margin, duplicates"),
    ]
    head = (
        "what 20 cases, ten collections and two models, tell of such vectors (up to 20,000 documents; docs/diagnose.md)"
    )
    return "\n".join([head, *(f"   {label:10}  {text}" for label, text in lines)])


def power_text(found: "Sequence[Power]", verdicts: Sequence[str]) -> str:
    """Return how many queries each setting needs, the assumption said, and what verdicts say of more queries."""
    if not found:
        return "queries needed: no setting of the study has differences per query"
    first = found[0]
    basis = "from the differences per query of the study"
    if first.measured_queries is None:
        basis = (
            "assumed: nDCG@10 differs per query as it did in 20 cases, ten collections and two models (least to most)"
        )
    head = f"queries needed to tell a loss of {first.loss:.0%} (paired, level 0.05, power 0.8)\n   {basis}"
    lines = []
    for one in found:
        if one.measured_queries is None:
            more = f"{one.fewest:,} to {one.most:,}"
        else:
            more = f"{one.dataset} · {one.model}, measured on {one.measured_queries:,}"
        lines.append((one.setting, f"{one.queries:,}" if one.deviation else "none differs", more))
    widths = [max(len(line[column]) for line in lines) for column in (0, 1)]
    rows = [f"   {setting:{widths[0]}}  {queries:>{widths[1]}}  {more}" for setting, queries, more in lines]
    said = ["", "the study's verdict on more queries", *(f"   {text}" for text in verdicts)] if verdicts else []
    return harmless("\n".join([head, *rows, *said]))


def _figures(found: Diagnosis) -> Iterator[tuple[str, str, str]]:
    """Yield label, value and what the value is."""
    least, greatest = found.length_least, found.length_greatest
    yield "length", f"{found.length_mean:.4g}", f"mean; from {least:.4g} to {greatest:.4g}"
    if found.unusable:
        yield "unusable", f"{found.unusable:,}", "vectors with NaN or infinity, left out here; a study refuses them"
    if found.zero:
        yield "zero", f"{found.zero:,}", "vectors of length 0, which can't be normalized"
    yield "mean", _shown(found.mean_share, ".3f"), "length of the mean vector / mean length"
    yield "dead dimensions", f"{len(found.dead):,}", _named(found.dead)
    share = f"{found.outlier_share:.1%} of the squared length: " if found.outliers else ""
    yield "outlier dimensions", f"{len(found.outliers):,}", share + _named(found.outliers)
    yield "effective dimension", _shown(found.effective_dim, ".1f"), f"of {found.dim:,}"
    yield (
        "range",
        _shown(found.span, ".2f"),
        "deviations from the least to the greatest value, median of the dimensions",
    )
    ranks = f"from rank {found.k} to {2 * found.k}"
    yield "margin", _shown(found.margin, ".2%"), f"of the score, {ranks}, median of the queries"
    yield "", _shown(found.margin_in_deviations, ".3f"), "deviations of all scores of a query"
    yield "duplicates", f"{found.duplicates:.2%}", "of the vectors repeat another one"
    tried = f"of float32's first {found.k} are found in the sample of {found.sampled:,}"
    for codec, kept in found.overlap.items():
        yield TRIED[codec], _shown(kept, ".1%"), tried


def _directions(found: Diagnosis) -> str:
    dimensions = f"effective dimension {_shown(found.effective_dim, '.0f')}"
    dimensions += f", {len(found.dead)} dead, {len(found.outliers)} outliers"
    return f"mean share {_shown(found.mean_share, '.2f')}; {dimensions}"


def _tried(found: Diagnosis) -> str:
    return ", ".join(f"{TRIED[codec]} {_shown(kept, '.0%')}" for codec, kept in found.overlap.items())


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"


def _named(dimensions: list[int]) -> str:
    more = f" and {len(dimensions) - SHOWN} more" if len(dimensions) > SHOWN else ""
    return ", ".join(map(str, dimensions[:SHOWN])) + more
