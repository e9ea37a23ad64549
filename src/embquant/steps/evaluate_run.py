"""The command ``evaluate-run``."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import pyarrow as pa

from embquant.files.parquet import read_embeddings, read_table, write_parquet
from embquant.measure.metrics import Exact, Ranking, parse_metric
from embquant.measure.quality import EXACT, IndexLoss, Sweep, metrics_schema, metrics_table, read_judgements
from embquant.retrieve.candidates import Candidates
from embquant.retrieve.method import Method
from embquant.retrieve.rescoring import PartlyKnown, Scorer, Store
from embquant.study.settings import cells

log = logging.getLogger(__name__)


def evaluate_run(
    *,
    method_file: Annotated[Path, "definition of the method"],
    candidates: Annotated[Path, "candidates of the method"],
    reference: Annotated[Path, "candidates of the exact float32 search"],
    exact_twin: Annotated[Path | None, "candidates of an exact scan of the same codes, if there is one"] = None,
    float32_store: Annotated[Path, "manifest of the flat float32 index"],
    query_vectors: Annotated[Path, "query embeddings"],
    qrels: Annotated[Path, "judgements of the dataset"],
    stores: Annotated[Mapping[str, Path], "rescore stores and their manifests"] = {},
    multipliers: Annotated[Sequence[int], "rescore multipliers"],
    top_k: Annotated[Sequence[int], "numbers of documents returned"],
    metrics: Annotated[Sequence[str], "metrics, as ir-measures writes them"],
    threads: Annotated[int, "threads of rescoring"] = 1,
    output: Annotated[Path, "metrics of each query (Parquet)"],
) -> None:
    """Measure every setting of a method on its candidates."""
    method = Method.read(method_file)
    manifests = dict(stores)
    exact_name = next((name for name, path in manifests.items() if path == float32_store), EXACT)
    manifests[exact_name] = float32_store
    opened = {name: Store.open(manifest) for name, manifest in manifests.items()}
    parsed = [parse_metric(name) for name in metrics]
    queries = read_embeddings(query_vectors, opened[exact_name].codec.input_dim)
    ids = read_table(query_vectors, ["id"]).column(0).combine_chunks()
    documents = len(opened[exact_name].index)
    judgements = read_judgements(qrels, len(queries), documents)
    for path in (candidates, reference, *([exact_twin] if exact_twin else [])):
        Candidates(path).check(len(queries), documents)
    exact = Exact(*Candidates(reference).read(0))
    scorers: dict[str, Scorer] = {**opened, exact_name: PartlyKnown(opened[exact_name], exact.rows, exact.scores)}
    sweep = Sweep(Candidates(candidates), queries, scorers, threads)
    grid = cells([name for name in opened if name != EXACT], multipliers, top_k)
    index_loss = IndexLoss(Candidates(exact_twin) if exact_twin else None, Candidates(candidates))

    def measured() -> Iterator[pa.Table]:
        for cell, best in sweep.rankings(grid):
            ranking = Ranking(best.rows, best.scores(exact_name))
            truth = Exact(exact.rows[:, : cell.top_k], exact.scores[:, : cell.top_k])
            values = [metric.compute(ranking, judgements, truth) for metric in parsed]
            yield metrics_table(cell, ids, parsed, [*values, index_loss.overlap(cell, len(queries))])

    write_parquet(output, metrics_schema(parsed), measured(), {"method": method.name})
    log.info("%s: %d settings of %d queries", method.name, len(grid), len(queries))
