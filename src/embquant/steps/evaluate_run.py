"""The command ``evaluate-run``."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import pyarrow as pa

from embquant.errors import InputError
from embquant.files.inapplicable import passed_on, why_inapplicable
from embquant.files.parquet import read_embeddings, read_table, write_parquet
from embquant.measure.chance import baseline_p
from embquant.measure.metrics import Ranking, Reference, parse_metric
from embquant.measure.quality import (
    INDEX_OVERLAP,
    STORES_LEFT_OUT,
    Sweep,
    index_overlap,
    metrics_schema,
    metrics_table,
    read_judgements,
    values_over_ties,
)
from embquant.retrieve.candidates import Candidates
from embquant.retrieve.rescoring import PartlyKnown, Scorer, Store
from embquant.retrieve.retriever import Method
from embquant.study import NO_STORE, settings_of

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
    """Measure every setting of a method on its candidates.

    Settings of a rescore store that can't be are left out.
    """
    if reason := why_inapplicable(reference):
        raise InputError(f"{reference}: nothing can be compared with the float32 search: {reason}")
    if passed_on(method_file, output) or passed_on(candidates, output):
        return
    if exact_twin and why_inapplicable(exact_twin):
        exact_twin = None
    missing = {name: reason for name, path in stores.items() if (reason := why_inapplicable(path))}
    stores = {name: path for name, path in stores.items() if name not in missing}
    method = Method.read(method_file)
    float32 = Store.open(float32_store)
    parsed = [parse_metric(name) for name in metrics]
    vectors = read_embeddings(query_vectors, float32.codec.input_dim)
    ids = read_table(query_vectors, ["id"]).column(0).combine_chunks()
    queries, documents = len(vectors), len(float32.index)
    judgements = read_judgements(qrels, queries, documents)
    exact = Reference(*Candidates(reference, queries, documents).read(0))
    twin = Reference(*Candidates(exact_twin, queries, documents).read(0)) if exact_twin else None
    # The reference has the scores of float32's own candidates: few other candidates need scoring.
    scorer = PartlyKnown(float32, exact.rows, exact.scores)
    scorers: dict[str, Scorer] = {
        name: scorer if path == float32_store else Store.open(path) for name, path in stores.items()
    }
    sweep = Sweep(Candidates(candidates, queries, documents), vectors, scorers, threads)
    settings = settings_of(list(stores), multipliers, top_k)
    metadata: dict[str, object] = {"method": method.name, **({STORES_LEFT_OUT: missing} if missing else {})}
    baseline: dict[int, Ranking] = {}

    def measured() -> Iterator[pa.Table]:
        for setting, best in sweep.rankings(settings):
            ranking = Ranking(best.rows, best.scores(scorer))
            if candidates == reference and setting.store == NO_STORE:
                baseline[setting.top_k] = ranking
            reference_ranking = exact.first(setting.top_k)
            values = {str(metric): metric.compute(ranking, judgements, reference_ranking) for metric in parsed}
            if judgements is not None:
                values |= values_over_ties(best, judgements, parsed)
            if twin is not None and setting.store == NO_STORE:
                values[INDEX_OVERLAP] = index_overlap(best, twin)
            yield metrics_table(setting, ids, parsed, values)
        metadata["baseline_p"] = baseline_p(parsed, [baseline[k] for k in sorted(baseline)], judgements)

    write_parquet(output, metrics_schema(parsed), measured(), metadata)
    log.info("%s: %d settings of %d queries", method.name, len(settings), queries)
