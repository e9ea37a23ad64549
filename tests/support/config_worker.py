"""The process that loads configurations, fills in their defaults and asks what the workflow asks of a study."""

import json
import sys
from pathlib import Path

from embquant.errors import InputError
from embquant.study.config import Configuration
from embquant.study.study import Study
from support.fuzz_worker import serve


def load(arguments: list[str]) -> int:
    """Load the configuration; print what is wrong with it on one line, as the command line does."""
    try:
        study = Study(Configuration.load(Path(arguments[0])))
    except InputError as error:
        print(f"embquant: error: {error}", file=sys.stderr)
        return 2
    filled_in = study.config.to_dict()
    json.dumps([filled_in, study.swept()], sort_keys=True, ensure_ascii=False, allow_nan=False)
    for method in study.methods.values():
        assert method.settings
        assert method.manifest
        assert method.index_bytes(1000, 64) > 0
        assert method.exact_twins is not None
    for dataset in study.config.datasets:
        study.dataset_inputs(dataset)
    for model in study.models:
        study.model_inputs(model)
    return 0 if Configuration.read(filled_in).to_dict() == filled_in else 1


if __name__ == "__main__":
    serve(load)
