"""The command ``search-bm25``."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa

from embquant.files.inapplicable import mark_inapplicable
from embquant.files.parquet import count_rows, read_batches, read_table, write_parquet
from embquant.measure.lists import list_values
from embquant.measure.metrics import parse_metric
from embquant.measure.quality import metrics_schema, metrics_table, read_judgements
from embquant.retrieve.bm25 import BM25
from embquant.retrieve.candidates import as_table, read_own_rows, write_candidates
from embquant.study import NO_STORE, Setting

log = logging.getLogger(__name__)


def search_bm25(
    *,
    corpus: Annotated[Path, "documents of the dataset"],
    queries: Annotated[Path, "queries of the dataset"],
    qrels: Annotated[Path, "judgements of the dataset"],
    parameters: Annotated[Mapping[str, Any], "k1, b and stopwords"],
    top_k: Annotated[Sequence[int], "numbers of documents returned"],
    depth: Annotated[int, "documents searched for: more than are returned, so that those tied with the last are seen"],
    metrics: Annotated[Sequence[str], "metrics, as ir-measures writes them"],
    output: Annotated[Path, "candidates (Parquet)"],
    measured: Annotated[Path, "metrics of each query (Parquet)"],
    fused: Annotated[bool, "search without judgements too: vector searches are fused with what is found"] = False,
) -> None:
    """Search a dataset by words, and measure the quality of what BM25 finds.

    Where nothing is judged, there is nothing to compare: both files say so, or that of the metrics alone.
    """
    if count_rows([qrels]) == 0:
        mark_inapplicable("nothing is judged", measured, *([] if fused else [output]))
        if not fused:
            return
    if not fused and find_spec("bm25s") is None:  # a landmark is no reason to stop a study
        mark_inapplicable("bm25s isn't installed: pip install bm25s", output, measured)
        return
    asked = read_table(queries, ["id", "text"])
    index = BM25((batch.column("text").to_pylist() for batch in read_batches(corpus, ["text"])), **parameters)
    scores, rows = index.search(asked.column("text").to_pylist(), depth, read_own_rows(queries, len(asked)))
    write_candidates(output, [as_table(scores, rows)], {"depths": [depth]})
    judgements = read_judgements(qrels, len(asked), index.documents)
    if judgements is None:
        return
    parsed = [parse_metric(name) for name in metrics]
    ids = asked.column("id").combine_chunks()

    def tables() -> Iterator[pa.Table]:
        for count in top_k:
            values = list_values(rows, scores, count, parsed, judgements)
            yield metrics_table(Setting(NO_STORE, 1, count), ids, parsed, values)

    write_parquet(measured, metrics_schema(parsed), tables(), {"method": "bm25"})
    log.info("%d queries searched by words among %d documents", len(asked), index.documents)
