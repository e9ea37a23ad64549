"""The process that loads configurations, fills in their defaults and asks what the workflow asks of them."""

import json
import sys
from pathlib import Path

from embquant.errors import InputError
from embquant.study.config import Configuration
from support.fuzz_worker import serve


def load(arguments: list[str]) -> int:
    """Load the configuration; print what is wrong with it on one line, as the command line does."""
    try:
        config = Configuration.load(Path(arguments[0]))
    except InputError as error:
        print(f"embquant: error: {error}", file=sys.stderr)
        return 2
    filled_in = config.to_dict()
    json.dumps(filled_in, sort_keys=True, ensure_ascii=False, allow_nan=False)
    for dataset in config.datasets.values():
        dataset.input_files()
    return 0 if Configuration.read(filled_in).to_dict() == filled_in else 1


if __name__ == "__main__":
    serve(load)
