"""How much memory does a job hold that embeds a part of a corpus, however large the part and however long its texts?

The job is ``embed-corpus`` as the workflow calls it, on one thread, as a separate process. Texts are the functions of
Python's standard library and the summaries of their docstrings, numbered so that as many as are wanted are distinct.
"""

import argparse
import json
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

import pyarrow as pa
from embedding import stdlib_texts
from harness import Row, save
from processes import GIB, measure, memory_limit

from embquant.embedding.prepare import PACKAGES, prepare_text_model
from embquant.embedding.spec import TextModelSpec
from embquant.files.parquet import write_parquet

GOAL_GIB = 1.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", type=int, nargs="+", default=[2000, 20_000], help="short texts of a part")
    parser.add_argument("--long", type=int, nargs="+", default=[100, 1000], help="long texts of a part")
    parser.add_argument("--backend", default="auto", help="as in a study: auto (the default), openvino, onnx, torch")
    args = parser.parse_args()
    texts = stdlib_texts(max(args.short), max(args.long))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model.json")
        model.write_text(json.dumps(prepare_text_model(TextModelSpec(backend=args.backend), model.parent)))
        for kind, counts in (("short", args.short), ("long", args.long)):
            rows += [measured(model, kind, texts[kind], count) for count in counts]
    save("embedding_memory", rows, PACKAGES)


def measured(model: Path, kind: str, texts: list[str], count: int) -> Row:
    """Embed ``count`` texts and compare the most memory, mapped weights included, with the goal."""
    corpus, output = model.with_name("corpus.parquet"), model.with_name("part.parquet")
    numbered = [f"{text} {number}" for number, text in enumerate(islice(cycle(texts), count))]
    rows = pa.array(range(count), pa.int64())
    table = pa.table({"id": rows.cast(pa.string()), "text": numbered, "first_row": rows})
    write_parquet(corpus, table.schema, table.to_batches())
    words = ["embed-corpus", "--corpus", str(corpus), "--model", str(model), "--part", "0", "--parts", "1"]
    record = measure([sys.executable, "-m", "embquant", *words, "--output", str(output)])
    held = (record["anonymous_bytes"] + record["file_bytes"]) / GIB
    return memory_limit(f"memory of a job that embeds {count:,} {kind} texts", held, GOAL_GIB)


if __name__ == "__main__":
    main()
