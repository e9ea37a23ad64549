"""The command ``time-search``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np

from embquant.exact.threads import limit_threads
from embquant.files.atomic import write_json
from embquant.files.inapplicable import passed_on, why_inapplicable
from embquant.files.parquet import read_matrices
from embquant.files.provenance import environment, packages_of
from embquant.indexes import index_class
from embquant.indexes.manifest import Manifest
from embquant.measure.effort import Effort
from embquant.measure.speed import Queries, build_seconds, measured_speed, open_baselines, open_contestants, open_plain
from embquant.retrieve.candidates import read_own_rows
from embquant.retrieve.retriever import Method, manifest_of


def time_search(
    *,
    method_file: Annotated[Path, "definition of the method"],
    baseline_file: Annotated[Path, "definition of the baseline"],
    candidates: Annotated[Sequence[Path], "what the method and the baseline find, which may be nothing"] = (),
    query_vectors: Annotated[Path, "query embeddings"],
    queries: Annotated[Path | None, "queries of the dataset, which name their own documents"] = None,
    stores: Annotated[Mapping[str, Path], "rescore stores and their manifests"] = {},
    multipliers: Annotated[Sequence[int], "rescore multipliers"],
    top_k: Annotated[Sequence[int], "numbers of documents returned"],
    threads: Annotated[int, "threads of the search"],
    rounds: Annotated[int, "least number of rounds, each of which times everything once"] = 6,
    single_queries: Annotated[int, "queries timed one at a time in a round"] = 20,
    precision: Annotated[float, "half the interval of a median, as a share of it, that ends the rounds"] = 0.03,
    seconds: Annotated[float, "seconds of a search after which it gets no further round"] = 0.2,
    output: Annotated[Path, "latency and throughput (JSON)"],
) -> None:
    """Time a method beside the baseline; needs the machine to itself.

    Rescore stores that can't be are left out.
    """
    if any(passed_on(path, output) for path in (method_file, *candidates)):
        return
    stores = {name: path for name, path in stores.items() if why_inapplicable(path) is None}
    vectors = np.concatenate(list(read_matrices([query_vectors], "embedding")))
    asked = Queries(vectors, read_own_rows(queries, len(vectors)))
    baselines = open_baselines(baseline_file, top_k, threads)
    contestants = []
    if method_file != baseline_file or not baselines:
        contestants = open_contestants(method_file, stores, multipliers, top_k, threads)
        if asked.own_rows is None:
            contestants += open_plain(method_file, stores, multipliers, min(top_k), threads)
    effort = Effort(rounds, precision, seconds)
    with limit_threads(threads):
        settings, batch_queries = measured_speed(baselines, contestants, asked, single_queries, effort)
    index = Manifest.read(manifest_of(method_file))
    databases = packages_of(index_class(index.family, index.kind).packages)
    write_json(
        output,
        {
            "method": Method.read(method_file).name,
            "threads": threads,
            "batch_queries": batch_queries,
            "build_seconds": build_seconds(method_file),
            "settings": settings,
            "environment": environment(["faiss-cpu", "usearch", "numkong", "numpy", *databases]),
        },
    )
