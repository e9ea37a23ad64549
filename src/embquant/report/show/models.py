"""Which model beats which, in words: the fewest bytes in which a model does as well as another in float32."""

import pandas as pd

from embquant.report.numbers.limits import named

VERBS = {"better": "beats", "noise": "isn't distinguishable from"}


def model_words(differences: pd.DataFrame) -> list[str]:
    """Return a sentence per dataset and pair of models; ``differences`` is model_differences.csv.

    It names the setting of the fewest bytes that is better than the other model's float32. If none is, it names the one
    of the fewest bytes that isn't distinguishable from it, or else the nearest.
    """
    several = len(differences["dataset"].unique()) > 1
    return [
        (f"{dataset}: " if several else "") + _sentence(rows)
        for (dataset, _, _), rows in differences.groupby(["dataset", "model", "other_model"], sort=False)
    ]


def _sentence(rows: pd.DataFrame) -> str:
    """Say how the settings of a model compare with the baseline of another."""
    for verdict, verb in VERBS.items():
        found = rows[rows["verdict"] == verdict].sort_values(
            ["memory_bytes_per_vector", "difference"], ascending=[True, False], kind="stable"
        )
        if not found.empty:
            first = found.iloc[0]
            bytes_taken = f"{first['memory_bytes_per_vector']:,.0f} B"
            return f"{named(first)} in {bytes_taken} {verb} {_other(first)}: {_difference(first)}"
    nearest = rows.loc[rows["difference"].idxmax()]
    other = _other(nearest)
    return (
        f"no setting of {nearest['model']} does as well as {other}; nearest is {named(nearest)}: {_difference(nearest)}"
    )


def _difference(row: pd.Series) -> str:
    low, high = row["difference_low"], row["difference_high"]
    return f"{row['difference']:+.4f} [{low:.4f}, {high:.4f}] {row['metric']}"


def _other(row: pd.Series) -> str:
    return f"{row['other_model']} · {row['other_method']} in {row['other_memory_bytes_per_vector']:,.0f} B"
