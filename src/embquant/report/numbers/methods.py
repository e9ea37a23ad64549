"""Methods without rescoring, as means over datasets."""

import pandas as pd

from embquant.report.numbers.quality import pareto
from embquant.report.numbers.significance import VERDICTS
from embquant.study import NO_STORE
from embquant.study.method import StudyMethod
from embquant.study.study import Study


def unrescored_methods(summary: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return one row per method without rescoring: means over datasets of decisive rows, in the order of the study.

    ``flat`` says whether all codes are scanned, ``index_name`` which index is searched (methods of one sweep share
    it), and ``measure`` which column ``kept`` comes from. ``verdicts`` counts the datasets on which a method is better
    than the baseline, not distinguishable from it, or worse. ``pareto`` is ✓ if no other method is as small and better,
    or as good and smaller.
    """
    rows = summary[summary["rescore_store"] == NO_STORE]
    means = rows.groupby("method", sort=False).mean(numeric_only=True)
    counts = pd.crosstab(rows["method"], rows["verdict"]).reindex(columns=list(VERDICTS), fill_value=0).astype(str)
    methods = [study.methods[name] for name in means.index]
    return means.assign(
        verdicts=counts["better"] + " / " + counts["noise"] + " / " + counts["worse"],
        pareto=pareto(means["bytes_per_vector"], means["kept"]).map({True: "✓", False: ""}),
        flat=[method.is_flat for method in methods],
        index_name=[_index_name(method) for method in methods],
        measure=summary["measure"].iloc[0],
    ).reset_index()


def _index_name(method: StudyMethod) -> str:
    """Return the name of the entry that a method was swept from: without the values of its search parameters."""
    name = method.name
    for _ in method.entry.search:
        for key, value in method.entry.search.items():
            name = name.removesuffix(f"-{key.replace('_', '-')}-{value}")
    return name
