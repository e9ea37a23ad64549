"""The command ``check``."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from json import dumps
from math import isfinite
from pathlib import Path
from typing import Annotated

from embquant.errors import InputError
from embquant.report.measure import renamed
from embquant.report.numbers.check import Bound, Demand, checks, setting_of
from embquant.report.numbers.limits import limits_of
from embquant.report.reports import Reports
from embquant.report.show.check import check_text


def check(
    reports: Annotated[Path, "reports of a study: results/reports/{study}"],
    /,
    *,
    method: Annotated[str | None, "a method of the study; default: the setting that the study recommends"] = None,
    rescore: Annotated[str | None, "its rescore store; default: none"] = None,
    multiplier: Annotated[int | None, "candidates rescored = top_k × this"] = None,
    models: Annotated[Sequence[str], "models to check; default: all"] = (),
    datasets: Annotated[Sequence[str], "datasets to check; default: all that the verdict counts"] = (),
    min_retention: Annotated[float | None, "least share of float32's quality, such as 0.99"] = None,
    max_latency_p95_ms: Annotated[float | None, "longest time that 95 % of the single queries may take"] = None,
    max_bytes_per_vector: Annotated[float | None, "most bytes per vector in memory"] = None,
    max_usd_per_month: Annotated[float | None, "highest price of memory and disk together, per month"] = None,
    at: Annotated[Bound, "what min_retention is compared with: the interval's lower bound, or the mean"] = "lower",
    json: Annotated[bool, "print the verdict and all figures as JSON"] = False,
) -> int:
    """Check that a study's setting still meets what is required, for a continuous-integration job.

    Without a requirement, those of the study count. Returns the exit status: 0 if all are met on each dataset, 1 if
    not. A figure that is missing meets nothing.
    """
    study = Reports.read(reports)
    given = {
        "min_retention": min_retention,
        "max_latency_p95_ms": max_latency_p95_ms,
        "max_bytes_per_vector": max_bytes_per_vector,
        "max_usd_per_month": max_usd_per_month,
    }
    limits = {name: limit for name, limit in given.items() if limit is not None}
    _check_limits(limits)
    demand = Demand(limits or limits_of(study.study), at)
    found = checks(study, demand, setting_of(study, method, rescore, multiplier), models, datasets)
    met = all(one.met for one in found)
    if json:
        text = dumps(
            {"met": met, "reports": str(reports), "at": at, "checks": [asdict(one) for one in found]}, indent=2
        )
    else:
        text = renamed(check_text(found, reports, at), study.study.config.compared_with)
    sys.stdout.write(text + "\n")
    return 0 if met else 1


def _check_limits(limits: dict[str, float]) -> None:
    for name, limit in limits.items():
        option = f"--{name.replace('_', '-')}"
        if not isfinite(limit) or limit < 0:
            raise InputError(f"{option} must be 0 or more, not {limit:g}")
        if name == "min_retention" and limit > 1:
            raise InputError(f"{option} is a share, at most 1, not {limit:g}; 0.99 stands for 99 %")
