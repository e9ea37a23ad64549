"""The command ``plan-study``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from embquant.files.atomic import atomic_path, read_json, write_json
from embquant.study.plan import Corpus, Plan
from embquant.study.study import Study


def plan_study(
    *,
    study: Annotated[Mapping[str, Any], "configuration of the study"],
    calibrations: Annotated[Sequence[Path], "what calibrate measured of each dataset and model"],
    output: Annotated[Path, "plan (JSON); the same as text beside it (.txt)"],
) -> None:
    """Say how much a study embeds and writes; fail if it won't fit on disk.

    Embedding rates and numbers of texts are those that ``calibrate`` measured; the bytes of files follow from the
    classes of codecs and indexes. A study that doesn't fit is an InputError, and no plan is written.
    """
    plan = Plan.of(Study.read(study), [Corpus.from_dict(read_json(path)) for path in calibrations])
    plan.check_disk()
    with atomic_path(output.with_suffix(".txt")) as temporary:
        temporary.write_text("\n".join(plan.lines()) + "\n", encoding="utf-8")
    write_json(output, plan.to_dict())
