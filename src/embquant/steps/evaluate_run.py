"""The command ``evaluate-run``."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa

from embquant.errors import InputError
from embquant.files.inapplicable import passed_on, why_inapplicable
from embquant.files.parquet import read_embeddings, read_table, write_parquet
from embquant.indexes.manifest import Manifest
from embquant.measure.chance import baseline_p
from embquant.measure.evaluation import Evaluation, growth_rows, growth_schema
from embquant.measure.fusion import Fusion
from embquant.measure.metrics import Ranking, parse_metric
from embquant.measure.quality import (
    CLIPPED,
    STORES_LEFT_OUT,
    metrics_schema,
    metrics_table,
    read_judged,
    read_judgements,
)
from embquant.measure.reranking import write_returned
from embquant.retrieve.candidates import Candidates
from embquant.retrieve.rescoring import Store
from embquant.retrieve.retriever import Method, manifest_of
from embquant.study import NO_STORE, Setting, settings_of

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
    targets: Annotated[Sequence[int], "numbers of documents that growth is projected to, as far as it can be"] = (),
    companion: Annotated[Path | None, "candidates of another search, with which lists are fused"] = None,
    fusion_k: Annotated[int, "k of reciprocal rank fusion"] = 60,
    fusion_depth: Annotated[int, "documents of each list that are fused, one of top_k"] = 100,
    threads: Annotated[int, "threads of rescoring"] = 1,
    output: Annotated[Path, "metrics of each query (Parquet)"],
    growth: Annotated[Path | None, "metrics of each query in subsets of the corpus and in all of it (Parquet)"] = None,
    fused: Annotated[Path | None, "metrics of each query once lists are fused (Parquet)"] = None,
    returned: Annotated[Path | None, "what each setting returns, for a reranker (Parquet)"] = None,
) -> None:
    """Measure every setting of a method on its candidates.

    Settings of a rescore store that can't be are left out. For ``growth``, those at the least ``top_k`` are measured in
    the subsets of the corpus as well, if these were searched. For ``fused``, the lists of settings that return
    ``fusion_depth`` documents are fused with those of ``companion``.
    """
    if reason := why_inapplicable(reference):
        raise InputError(f"{reference}: nothing can be compared with the float32 search: {reason}")
    outputs = list(filter(None, (output, growth, fused, returned)))
    if passed_on(method_file, *outputs) or passed_on(candidates, *outputs):
        return
    stores, missing = _applicable(stores)
    method = Method.read(method_file)
    float32 = Store.open(float32_store)
    parsed = [parse_metric(name) for name in metrics]
    vectors = read_embeddings(query_vectors, float32.codec.input_dim)
    ids = read_table(query_vectors, ["id"]).column(0).combine_chunks()
    queries, documents = len(vectors), len(float32.index)
    judgements = read_judgements(qrels, queries, documents)
    whole = Evaluation(
        candidates=Candidates(candidates, queries, documents),
        reference=Candidates(reference, queries, documents),
        twin=Candidates(exact_twin, queries, documents) if exact_twin and not why_inapplicable(exact_twin) else None,
        float32=float32,
        stores={name: float32 if path == float32_store else Store.open(path) for name, path in stores.items()},
        vectors=vectors,
        judgements=judgements,
        judged=read_judged(qrels),
        metrics=parsed,
        threads=threads,
    )
    settings = settings_of(list(stores), multipliers, top_k)
    metadata: dict[str, object] = {"method": method.name, **({STORES_LEFT_OUT: missing} if missing else {})}
    metadata[CLIPPED] = _clipped({NO_STORE: manifest_of(method_file), **stores})
    baseline: dict[int, Ranking] = {}

    grown: list[pa.Table] = []
    lists: list[tuple[Setting, np.ndarray]] = []

    def measured() -> Iterator[pa.Table]:
        for setting, best, ranking, values in whole.measured(settings):
            if candidates == reference and setting.store == NO_STORE:
                baseline[setting.top_k] = ranking
            table = metrics_table(setting, ids, parsed, values)
            if fused or returned:
                lists.append((setting, ranking.rows))
            if setting.top_k == min(top_k):
                grown.append(growth_rows(table, documents, best, judgements))
            yield table
        metadata["baseline_p"] = baseline_p(parsed, [baseline[k] for k in sorted(baseline)], judgements)

    write_parquet(output, metrics_schema(parsed), measured(), metadata)
    if fused and companion:
        (other, _), (exact, _) = Candidates(companion, queries, documents).read(0), whole.reference.read(0)
        fusion = Fusion(other[:, :fusion_depth], exact[:, :fusion_depth], fusion_k, parsed, judgements)
        _write_fused(fused, fusion, [one for one in lists if one[0].top_k == fusion_depth], ids)
    _write_returned(returned, lists)
    if growth:
        at_least = settings_of(list(stores), multipliers, [min(top_k)])
        factors = whole.factors(documents, targets)
        tables = chain(
            whole.in_subsets(at_least, ids),
            [pa.concat_tables(grown)],
            whole.projected(at_least, ids, min(top_k) * max(multipliers), documents, factors),
        )
        write_parquet(growth, growth_schema(parsed), tables, {"factors": factors})
    log.info("%s: %d settings of %d queries", method.name, len(settings), queries)


def _applicable(stores: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, str]]:
    """Return those ``stores`` that can be, and why the others can't."""
    missing = {name: reason for name, path in stores.items() if (reason := why_inapplicable(path))}
    return {name: path for name, path in stores.items() if name not in missing}, missing


def _write_fused(path: Path, fusion: Fusion, returned: Sequence[tuple[Setting, np.ndarray]], ids: pa.Array) -> None:
    """Write the metrics of what settings have ``returned``, rows int64 (queries, depth), once it is fused."""
    tables = (metrics_table(setting, ids, fusion.metrics, fusion.values(rows)) for setting, rows in returned)
    write_parquet(path, metrics_schema(fusion.metrics), tables)


def _write_returned(path: Path | None, lists: Sequence[tuple[Setting, np.ndarray]]) -> None:
    """Write what settings return, if a reranker wants it."""
    if path is not None:
        write_returned(path, lists)


def _clipped(manifests: Mapping[str, Path]) -> dict[str, float]:
    """Return the share of values outside of the codec's range for each of ``manifests`` whose codec has one."""
    shares = {name: Manifest.read(path).clipped for name, path in manifests.items()}
    return {name: share for name, share in shares.items() if share is not None}
