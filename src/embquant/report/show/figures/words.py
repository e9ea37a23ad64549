"""What measures are called in figures."""

import pandas as pd


def is_retention(measure: str) -> bool:
    """Whether a measure is a share of float32's quality; else it is agreement with float32."""
    return measure.startswith("retention_")


def metric_of(measure: str) -> str:
    """Return the metric that a measure is about."""
    return measure.removeprefix("retention_")


def kept_label(measure: str) -> str:
    """Return what a column of what is kept is called."""
    return f"of float32's {metric_of(measure)}" if is_retention(measure) else f"agreement ({measure})"


def kept_axis(measure: str) -> str:
    """Return the label of an axis of what is kept."""
    return (
        f"share of float32's {metric_of(measure)}" if is_retention(measure) else f"agreement with float32 ({measure})"
    )


def kept_words(row: pd.Series) -> str:
    """Return what a setting keeps, in words."""
    bounds = f" ({row['kept_low']:.4f} to {row['kept_high']:.4f})" if row["kept_low"] < row["kept_high"] else ""
    said = {"noise": ", not told apart from float32", "worse": ", less than float32", "better": ", more than float32"}
    return f"{row['kept']:.4f}{bounds}{said.get(row['verdict'], '')}"
