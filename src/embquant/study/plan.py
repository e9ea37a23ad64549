"""The plan of a study: of each dataset and model, what was measured of it, its stages and its files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from embquant.files.atomic import read_json
from embquant.study.calibration import Rate
from embquant.study.outline import Outline
from embquant.study.sizes import Corpus, File, files
from embquant.study.times import stages


def planned(outline: Outline, calibrations: Sequence[Mapping[str, Any]], cores: int) -> dict[str, Any]:
    """Return the plan of a study on ``cores``, of the datasets and models that ``calibrate`` measured."""
    runs = Path(outline.runs)
    return {
        "study": outline.study,
        "results": str(runs.parents[2]),
        "disk_gb": outline.disk_gb,
        "axes": {
            "methods": len(outline.methods),
            "stores": len({store for method in outline.methods.values() for store in method.stores}),
            "multipliers": len(outline.multipliers),
            "top_k": len(outline.top_k),
            "settings": outline.settings,
        },
        "corpora": [_planned(outline, calibration, runs, cores) for calibration in calibrations],
    }


def read_calibrations(outline: Outline, leave_out: Path | None = None) -> list[dict[str, Any]]:
    """Read what ``calibrate`` measured for the study; but for ``leave_out``, as far as it is there already."""
    paths = [Path(path) for path in outline.calibrations]
    if leave_out is None:
        return [read_json(path) for path in paths]
    return [read_json(path, noted=False) for path in paths if path != leave_out and path.exists()]


def _planned(outline: Outline, calibration: Mapping[str, Any], runs: Path, cores: int) -> dict[str, Any]:
    corpus = Corpus(**calibration["corpus"])
    rate = Rate(**calibration["rate"]) if calibration["rate"] else None
    # Parts share a GPU, but each has a core of its own.
    jobs = min(cores, outline.parts) if calibration["device"] == "cpu" else 1
    own_runs = runs / calibration["dataset"] / calibration["model"]
    return {
        **{key: calibration[key] for key in ("dataset", "model", "corpus", "rate")},
        "jobs": jobs,
        "stages": [asdict(stage) for stage in stages(outline, corpus, cores, jobs, rate)],
        "files": [_described(file) for file in files(outline, corpus, Path(calibration["folder"]), own_runs)],
    }


def _described(file: File) -> dict[str, Any]:
    return {"path": str(file.path), "bytes": round(file.bytes), "passing": file.passing}
