"""How fast are texts embedded on a GPU, and how exactly, beside ``SentenceTransformer.encode`` on the same GPU?

Both embed the same distinct texts of Python's standard library in one process, in turn, round after round, in float32
and in half precision; loading is left out of both. This project's vectors are compared with those of
sentence-transformers in float32 on the CPU.
"""

import argparse
import json
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from embedding import make_ours, make_peer, stdlib_texts, together
from harness import CORES, Row, Worker, in_turn, rounds_option, save, share, times_faster

from embquant.embedding.prepare import FAITHFUL, PACKAGES, prepare_text_model
from embquant.embedding.spec import TextModelSpec
from embquant.embedding.tokens import Tokenizer

DEVICE = "cuda"
DTYPES = ("float32", "float16", "bfloat16")


def measure(args: argparse.Namespace, folder: Path) -> list[Row]:
    texts = stdlib_texts(args.short, args.long)
    expected: dict[str, np.ndarray] = {}
    rows = []
    for dtype in DTYPES:
        spec = TextModelSpec(device=DEVICE, backend="torch", dtype=dtype, batch_tokens=args.batch_tokens)
        model = prepare_text_model(spec, folder)
        (folder / "model.json").write_text(json.dumps(model))
        expected = expected or on_cpu(model, texts)
        ours = make_ours(folder / "model.json")
        theirs = make_peer(model["folder"], model["max_length"], DEVICE, model_kwargs={"dtype": dtype})
        tokenizer = Tokenizer(Path(model["folder"]) / "tokenizer.json", model["max_length"], model["pad_id"], CORES)
        for kind, chosen in texts.items():
            theirs(chosen)  # the first batches are slower
            vectors = ours(chosen)
            difference = float(np.abs(vectors - expected[kind]).max())
            cosine = float(np.einsum("ij,ij->i", vectors, expected[kind], dtype=np.float64).min())
            times = in_turn(args.rounds, {"theirs": partial(theirs, chosen), "ours": partial(ours, chosen)})
            details = {
                "documents": len(chosen),
                "tokens_mean": round(statistics.mean(len(ids) for ids in tokenizer(chosen)), 1),
                "ours_docs_per_second": len(chosen) / statistics.median(times["ours"]),
                "theirs_docs_per_second": len(chosen) / statistics.median(times["theirs"]),
                "max_abs_difference": f"{difference:.1e}",
                "least_cosine": f"{cosine:.7f}",
                "dtype": dtype,
                "batch_tokens": model["batch_tokens"],
                "device": torch.cuda.get_device_name(),
            }
            what = f"embedding {len(chosen):,} {kind} texts, {details['tokens_mean']} tokens, in {dtype} on a GPU"
            note = f"{details['ours_docs_per_second']:,.0f} documents per second, least cosine {cosine:.6f}"
            rows.append(times_faster(what, times["ours"], times["theirs"], None, note=note, details=details))
            if dtype == "float32":
                what = f"largest difference from the CPU, {len(chosen):,} {kind} texts in float32"
                rows.append(share(what, [difference], [FAITHFUL], "", goal=1, at_most=True, details=details))
    return rows


def on_cpu(model: dict, texts: dict[str, list[str]]) -> dict[str, np.ndarray]:
    """Return the vectors of sentence-transformers in float32, by a process that has all cores."""
    worker = Worker(make_peer, model["folder"], model["max_length"], threads=CORES)
    worker.receive()
    vectors = {kind: together([worker], [chosen])[1][0] for kind, chosen in texts.items()}
    worker.stop()
    return vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", type=int, default=4000, help="number of short texts")
    parser.add_argument("--long", type=int, default=1000, help="number of long texts")
    rounds_option(parser, 5)
    parser.add_argument("--batch-tokens", type=int, help="token budget of a batch, other than the default")
    args = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("embedding_cuda: torch finds no GPU here; this benchmark needs one that runs CUDA")
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(args, Path(folder))
    save("embedding_cuda", rows, PACKAGES)


if __name__ == "__main__":
    main()
