"""How long models take to embed texts, on each backend: processor time of one thread, models in turn.

    python config/models/embedding_rates.py sentence-transformers/all-MiniLM-L6-v2 data/models/all-mpnet-base-v2

The texts are docstring summaries and functions of Python's standard library. Processor time is that of this process, so
other work on the machine hardly matters. The largest difference of any coordinate from sentence-transformers is shown.
"""

import argparse
import sysconfig
import tempfile
import time
from pathlib import Path

from embquant.datasets.python_stdlib import standard_functions
from embquant.embedding.backends import BACKENDS
from embquant.embedding.encoder import load_encoder
from embquant.embedding.prepare import prepare_text_model
from embquant.embedding.spec import TextModelSpec
from embquant.files.atomic import write_json


def main(names: list[str], short: int, long: int, rounds: int) -> None:
    """Print a row per backend and model."""
    functions = list(standard_functions(Path(sysconfig.get_path("stdlib"))))
    summaries = sorted({function.summary for function in functions if function.summary})
    codes = sorted({function.code for function in functions if len(function.code) > 500})
    texts = {"short": summaries[:: len(summaries) // short][:short], "long": codes[:: len(codes) // long][:long]}
    print("backend   model  difference  " + "  ".join(f"{kind} texts/s" for kind in texts))
    for backend in BACKENDS.names():
        with tempfile.TemporaryDirectory() as folder:
            models = {name: prepared(name, backend, Path(folder, str(at))) for at, name in enumerate(names)}
            encoders = {name: load_encoder(path) for name, (path, _) in models.items()}
            best = {(name, kind): float("inf") for name in names for kind in texts}
            for _ in range(rounds):
                for name, kind in best:
                    started = time.process_time()
                    encoders[name].encode_documents(texts[kind])
                    best[name, kind] = min(best[name, kind], time.process_time() - started)
            for name in names:
                rates = "  ".join(f"{len(texts[kind]) / best[name, kind]:.1f}" for kind in texts)
                print(f"{backend:9} {name}  {models[name][1]:.1e}  {rates}", flush=True)


def prepared(name: str, backend: str, folder: Path) -> tuple[Path, float]:
    """Prepare a model for ``backend`` in ``folder``; return its model.json and the largest difference."""
    folder.mkdir()
    model = prepare_text_model(TextModelSpec(name=name, backend=backend, max_length=256), folder)
    write_json(folder / "model.json", model)
    return folder / "model.json", model["max_abs_difference"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", help="names or folders of models")
    parser.add_argument("--short", type=int, default=200, help="number of short texts")
    parser.add_argument("--long", type=int, default=40, help="number of long texts")
    parser.add_argument("--rounds", type=int, default=2, help="rounds, of which the fastest counts")
    given = parser.parse_args()
    main(given.models, given.short, given.long, given.rounds)
