"""The command ``plan-study``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from embquant.files.atomic import atomic_path, write_json
from embquant.study.outline import Outline
from embquant.study.plan import planned, read_calibrations
from embquant.study.remaining import check_disk, lines


def plan_study(
    *,
    outline: Annotated[Mapping[str, Any], "the study's codecs, methods and settings"],
    cores: Annotated[int, "cores that the study may use"],
    output: Annotated[Path, "plan (JSON); the same as text beside it (.txt)"],
) -> None:
    """Estimate time and disk usage of a study; fail if it won't fit on disk."""
    study = Outline.read(outline)
    plan = planned(study, read_calibrations(study), cores)
    check_disk(plan)
    with atomic_path(output.with_suffix(".txt")) as temporary:
        temporary.write_text("\n".join(lines(plan)) + "\n", encoding="utf-8")
    write_json(output, plan)
