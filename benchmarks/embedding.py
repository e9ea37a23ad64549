"""How fast are texts embedded, beside ``SentenceTransformer.encode`` with its defaults?

Both embed the same distinct texts on all cores, in turn, round after round: the peer in one process, as its
documentation shows; this project as its workflow does, one single-threaded process per core. Loading is left out of
both. The machine's own rate is measured between them: float32 matrix products of the model's shape, one process a
core, by numpy or torch, whichever is faster. Texts come from Python's standard library, or with ``--data`` from
two public collections (Stack Overflow titles, abstracts) that must lie there as Parquet.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from harness import CORES, Row, Worker, rounds_option, save, share, times_faster

from embquant.datasets.python_stdlib import standard_functions
from embquant.embedding.encoder import load_encoder
from embquant.embedding.prepare import PACKAGES, prepare_text_model
from embquant.embedding.spec import TextModelSpec
from embquant.embedding.tokens import Tokenizer
from embquant.files.parquet import read_table

GOALS = {"short": 1.5, "long": 1.2}
SHARE_OF_SGEMM = 0.8
SGEMM = (1024, 384, 1536)
"""Rows, inner and outer width: a batch of 1,024 tokens through MiniLM's widest layer."""


def make_peer(
    folder: str, max_length: int, device: str = "cpu", **options: object
) -> Callable[[list[str]], np.ndarray]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device=device, **options)
    model.max_seq_length = max_length
    return lambda texts: model.encode(texts, show_progress_bar=False)


def make_ours(model_json: Path) -> Callable[[list[str]], np.ndarray]:
    return load_encoder(model_json, threads=1).encode_documents


def make_sgemm(library: str) -> Callable[[float], float]:
    rows, inner, outer = SGEMM
    left = np.random.default_rng(0).random((rows, inner), dtype=np.float32)
    right = np.random.default_rng(1).random((inner, outer), dtype=np.float32)
    if library == "torch":
        import torch

        left, right = torch.from_numpy(left), torch.from_numpy(right)

    def rate(seconds: float) -> float:
        """Return GFLOP/s over ``seconds``."""
        products, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            left @ right
            products += 1
        return 2 * rows * inner * outer * products / elapsed / 1e9

    return rate


def together(workers: Sequence[Worker], work: Sequence[object]) -> tuple[float, list]:
    """Return the seconds until all have answered, and the answers."""
    start = time.perf_counter()
    for worker, piece in zip(workers, work, strict=True):
        worker.send(piece)
    answers = [worker.receive() for worker in workers]
    return time.perf_counter() - start, answers


def stdlib_texts(short: int, long: int) -> dict[str, list[str]]:
    import sysconfig

    functions = list(standard_functions(Path(sysconfig.get_path("stdlib"))))
    return {
        "short": _spread({function.summary for function in functions if function.summary}, short),
        "long": _spread({function.code for function in functions if len(function.code) > 500}, long),
    }


def collection_texts(data: Path, short: int, long: int) -> dict[str, list[str]]:
    titles = read_table(data / "so_codenn" / "queries.parquet", ["text"])["text"].to_pylist()
    abstracts = read_table(data / "scifact" / "corpus.parquet", ["title", "text"]).to_pylist()
    return {
        "short": _spread(set(titles), short),
        "long": _spread({f"{row['title']} {row['text']}".strip() for row in abstracts}, long),
    }


def _spread(texts: set[str], count: int) -> list[str]:
    ordered = sorted(texts)
    return [ordered[i] for i in np.random.default_rng(0).permutation(len(ordered))[:count]]


def model_flops(lengths: np.ndarray) -> float:
    """Return the multiplications and additions of MiniLM's six layers for texts of ``lengths`` tokens, no padding."""
    width, inner, layers = 384, 1536, 6
    return float(layers * (lengths * 4 * (2 * width * width + width * inner) + 4 * lengths**2 * width).sum())


def measure(args: argparse.Namespace, folder: Path) -> list[Row]:
    model = prepare_text_model(TextModelSpec(backend=args.backend, batch_tokens=args.batch_tokens), folder)
    (folder / "model.json").write_text(json.dumps(model))
    peer = Worker(make_peer, model["folder"], model["max_length"], threads=CORES)
    ours = [Worker(make_ours, folder / "model.json", threads=1) for _ in range(CORES)]
    sgemm = {library: [Worker(make_sgemm, library, threads=1) for _ in range(CORES)] for library in ("numpy", "torch")}
    workers = [peer, *ours, *sgemm["numpy"], *sgemm["torch"]]
    for worker in workers:
        worker.receive()
    tokenizer = Tokenizer(Path(model["folder"]) / "tokenizer.json", model["max_length"], model["pad_id"], threads=1)
    texts = collection_texts(args.data, args.short, args.long) if args.data else stdlib_texts(args.short, args.long)
    rows = []
    for kind, chosen in texts.items():
        lengths = np.array([len(ids) for ids in tokenizer(chosen)], dtype=np.int64)
        pieces = [chosen[core::CORES] for core in range(CORES)]
        together([peer, *ours], [chosen[:64], *(piece[:64] for piece in pieces)])  # the first batches are slower
        times: dict[str, list[float]] = {"theirs": [], "ours": []}
        rates = []
        for _ in range(args.rounds):
            seconds, [theirs] = together([peer], [chosen])
            times["theirs"].append(seconds)
            rates.append(max(sum(together(group, [0.5] * CORES)[1]) for group in sgemm.values()))
            seconds, found = together(ours, pieces)
            times["ours"].append(seconds)
        difference = max(np.abs(found[core] - theirs[core::CORES]).max() for core in range(CORES))
        details = {
            "documents": len(chosen),
            "tokens_mean": round(lengths.mean(), 1),
            "ours_docs_per_second": len(chosen) / statistics.median(times["ours"]),
            "theirs_docs_per_second": len(chosen) / statistics.median(times["theirs"]),
            "max_abs_difference": f"{difference:.1e}",
            "backend": model["backend"],
            "batch_tokens": model["batch_tokens"],
        }
        what = f"embedding {len(chosen):,} {kind} texts, {details['tokens_mean']} tokens"
        reached = [model_flops(lengths) / seconds / 1e9 for seconds in times["ours"]]
        rows += [
            times_faster(
                f"{what}, beside sentence-transformers", times["ours"], times["theirs"], GOALS[kind], details=details
            ),
            share(f"{what}, beside sgemm", reached, rates, "GFLOP/s", goal=SHARE_OF_SGEMM, details=details),
        ]
    for worker in workers:
        worker.stop()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of collections; without it, Python's standard library")
    parser.add_argument("--short", type=int, default=4000, help="number of short texts")
    parser.add_argument("--long", type=int, default=400, help="number of long texts")
    rounds_option(parser, 3)
    parser.add_argument("--backend", default="auto", help="as in a study: auto (the default), openvino, onnx, torch")
    parser.add_argument("--batch-tokens", type=int, help="token budget of a batch, other than the default")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(args, Path(folder))
    save("embedding", rows, PACKAGES)


if __name__ == "__main__":
    main()
