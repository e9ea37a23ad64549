"""What ``diagnose`` prints of vectors."""

from collections.abc import Iterator, Sequence

from embquant.errors import harmless
from embquant.measure.diagnosis import Diagnosis
from embquant.measure.power import Power

TRIED = {"binary": "bits", "binary_centred": "bits, centred", "int8": "int8"}
"""Codecs that are tried, in words."""

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


def power_text(found: Sequence[Power]) -> str:
    """Return how many queries each setting needs, the assumption said."""
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
    return harmless("\n".join([head, *rows]))


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


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"


def _named(dimensions: list[int]) -> str:
    more = f" and {len(dimensions) - SHOWN} more" if len(dimensions) > SHOWN else ""
    return ", ".join(map(str, dimensions[:SHOWN])) + more
