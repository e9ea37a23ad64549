"""The command ``rerank``."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np

from embquant.errors import InputError
from embquant.files.inapplicable import passed_on
from embquant.files.parquet import count_rows, read_table, take_rows, write_parquet
from embquant.files.records import note_input
from embquant.measure.metrics import parse_metric
from embquant.measure.quality import read_judgements
from embquant.measure.reranking import ROW_BITS, Reranking, pair_keys, read_returned
from embquant.retrieve.reranker import load_cross_encoder, score_pairs
from embquant.retrieve.trec_run import read_run
from embquant.study import NO_STORE

log = logging.getLogger(__name__)


def rerank(
    *,
    runs: Annotated[Sequence[Path], "folders of all runs of a dataset, those of a model in a row"],
    baseline: Annotated[str, "the method among them that others are compared with"],
    corpus: Annotated[Path, "documents of the dataset"],
    queries: Annotated[Path, "queries of the dataset"],
    qrels: Annotated[Path, "judgements of the dataset"],
    model: Annotated[Path | None, "folder of a CrossEncoder"] = None,
    max_length: Annotated[int | None, "tokens of a query and a document; default: the model's"] = None,
    run_file: Annotated[Path | None, "run file of scores, in place of a model"] = None,
    metrics: Annotated[Sequence[str], "metrics, as ir-measures writes them"],
    threads: Annotated[int, "threads of the model"] = 1,
) -> None:
    """Rank what every setting returns again, and measure it: reranked.parquet in the folder of each run.

    Each pair of a query and a document is scored once, whichever settings return it.
    """
    measured = [path for path in runs if not passed_on(path / "returned.parquet", path / "reranked.parquet")]
    wanted = np.zeros(0, np.int64)
    for path in measured:
        for _, rows in read_returned(path / "returned.parquet"):
            wanted = np.union1d(wanted, pair_keys(rows))
    if run_file is not None:
        keys, scores = _given(run_file, queries, corpus, wanted)
    else:
        keys, scores = wanted, _scored(model, max_length, wanted, queries, corpus, threads)
    judgements = read_judgements(qrels, count_rows([queries]), count_rows([corpus]))
    reranking = Reranking(keys, scores, [parse_metric(name) for name in metrics], judgements)
    ids = read_table(queries, ["id"]).column(0).combine_chunks()
    for path in measured:
        plain = read_returned(path.parent / baseline / "returned.parquet")
        exact = {setting.top_k: reranking.ranked(rows) for setting, rows in plain if setting.store == NO_STORE}
        tables = (
            reranking.table(setting, rows, exact[setting.top_k], ids)
            for setting, rows in read_returned(path / "returned.parquet")
        )
        write_parquet(path / "reranked.parquet", reranking.schema, tables)
    log.info("%d pairs of a query and a document scored once, for %d methods", len(wanted), len(measured))


def _scored(
    model: Path | None, max_length: int | None, wanted: np.ndarray, queries: Path, corpus: Path, threads: int
) -> np.ndarray:
    """Return the scores that a CrossEncoder gives the pairs ``wanted``."""
    if model is None:
        raise InputError("neither --model nor --run-file is given; give one of them")
    loaded = load_cross_encoder(model, max_length)
    for file in sorted(path for path in model.iterdir() if path.is_file()):
        note_input(file)
    asked = read_table(queries, ["text"]).column(0).to_pylist()
    rows, places = np.unique(wanted & ((1 << ROW_BITS) - 1), return_inverse=True)
    texts = take_rows(corpus, ["text"], rows).column(0).to_pylist()
    pairs = [(asked[key >> ROW_BITS], texts[place]) for key, place in zip(wanted.tolist(), places, strict=True)]
    return score_pairs(loaded, pairs, threads)


def _given(run: Path, queries: Path, corpus: Path, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of a run file, ascending, and their scores; how many ``wanted`` ones it lacks is logged."""
    note_input(run)
    query_rows, doc_rows, scores = read_run(run, queries, corpus)
    keys = query_rows << ROW_BITS | doc_rows
    order = np.argsort(keys)
    if missing := int((~np.isin(wanted, keys)).sum()):
        log.warning("%s: lacks the scores of %d of %d pairs, which come last", run, missing, len(wanted))
    return keys[order], scores[order]
