"""Studies whose measurements are made up: joined by the library itself, so that all reports of them fit together."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from embquant.files.atomic import write_json
from embquant.files.parquet import write_parquet
from embquant.report.numbers.measurements import Measurements
from embquant.report.tables import TABLES
from embquant.study.study import Study

DIM, VECTORS, TOP_K = 384, 10_000, (10, 100)
STORES = ("binary", "int8", "float32")
BITS = {"float32": 32, "float16": 16, "int8": 8, "int4": 4, "binary": 1}
LOSS = {"float32": 0.0, "float16": 0.0, "int8": 0.01, "int4": 0.04, "binary": 0.3}
"""Family → the share of a query's quality that it may lose."""

METRICS = ["nDCG@10", "RR@10", "R@100", "overlap@10", "rbo"]


def write_study(
    folder,
    *,
    datasets=("facts",),
    methods=None,
    models=("minilm",),
    judged=True,
    queries=60,
    multipliers=(1, 4),
    seed=0,
    p=0.005,
    requirements=None,
    stages=False,
):
    """Write the runs of a study into ``folder`` and join them; return the folder of its reports.

    ``judged``: whether queries are, on all datasets, or on which of them; ``p``: of the baseline at chance. Each
    further model of ``models`` is worse than the one before it. With ``stages`` there are BM25, fusion and a reranker.
    """
    judged = {dataset: judged is True or (judged is not False and dataset in judged) for dataset in datasets}
    methods = methods or ["float32", "binary", "int8", "int8-codes", "int8-hnsw"]
    config = configuration(datasets, methods, multipliers, models)
    config["requirements"] = requirements or config["requirements"]
    config |= {"fusion": {}, "reranker": {"run": "scores.trec"}} if stages else {}
    reports = Path(folder) / "results" / "reports" / config["study"]
    runs = []
    for number, dataset in enumerate(datasets):
        base = np.random.default_rng([seed, number]).beta(1.2, 1.2, queries).round(2)
        for place, (model, method) in enumerate(product(models, methods)):
            rng = np.random.default_rng([seed, number, place + 1])
            runs.append(reports / "runs" / dataset / model / method)
            quality = base * 0.9 ** models.index(model)
            MadeUpRun(method, config, quality, judged[dataset], rng).write(runs[-1], p)
    embedding = [reports / "runs" / dataset / model / "embedding.json" for dataset in datasets for model in models]
    for path in embedding:
        write_json(path, EMBEDDING)
    write_json(
        reports / "provenance.json",
        {
            "embquant": "0",
            "config": config,
            "datasets": [described(dataset, judged[dataset], queries) for dataset in datasets],
            "models": [
                {"model": model, "name": "all-MiniLM", "sha256": "ab" * 32, "dim": DIM, "backend": "openvino"}
                for model in models
            ],
            "environment": {"python": "3.11", "machine": "a machine"},
        },
    )
    join(runs, embedding, config, reports)
    return reports


def join(runs, embedding, config, reports):
    """Write the CSV reports as the step that joins all measurements does, but for those on losses."""
    bm25 = sorted(reports.glob("runs/*/bm25-metrics.parquet"))
    measured = Measurements(runs, embedding, [], Study.read(config), "results", bm25_metrics=bm25)
    optional = ["growth", "models", "model_differences", *(["bm25", "fusion", "reranking"] if bm25 else [])]
    for name in TABLES.names():
        if not TABLES[name].optional or name in optional:
            TABLES[name]().rows(measured).to_csv(reports / f"{name}.csv", index=False, float_format="%.6g")


def ends(name, value):
    """Return the ends of the interval of a time, a rate or a speed-up."""
    return {f"{name}_low": value * 0.98, f"{name}_high": value * 1.02}


EMBEDDING = {
    "dim": DIM,
    "backend": "openvino",
    "device": "cpu",
    "threads": 2,
    "query_latency_p50_ms": 5.0,
    **ends("query_latency_p50_ms", 5.0),
    "query_latency_p95_ms": 7.0,
    "query_latency_p99_ms": 9.0,
    "documents_per_second": 160.0,
    **ends("documents_per_second", 160.0),
}


def family(method):
    """Return the family whose name a method's starts with."""
    return next(name for name in BITS if method.startswith(name))


def configuration(datasets, methods, multipliers, models=("minilm",)):
    """Return the configuration of the study, as the workflow would hand it over."""
    kinds = {method: "hnsw" if "hnsw" in method else "flat" for method in methods}
    return {
        "study": "made-up",
        "datasets": {"facts": {"source": "files", "path": "data"}},
        "models": {model: {"name": "all-MiniLM"} for model in models},
        "codecs": {name: {"family": name} for name in {*map(family, methods), *STORES}},
        "methods": {
            method: {"codec": family(method), "index": kinds[method], "build": {}, "search": {}} for method in methods
        },
        "baseline": "float32",
        "top_k": list(TOP_K),
        "rescore": {"stores": list(STORES), "multipliers": list(multipliers)},
        "metrics": METRICS,
        "statistics": {"confidence": 0.95, "resamples": 1000, "seed": 0},
        "timing": {"threads": "all", "rounds": 3, "single_queries": 50},
        "prices": {
            "memory": {"usd_per_gb_month": 3.8, "source": "a cloud"},
            "disk": {"usd_per_gb_month": 0.1, "source": "the same"},
        },
        "requirements": {"min_retention": 0.98},
    }


def described(dataset, judged, queries):
    """Return what dataset.json says."""
    return {
        "name": dataset,
        "judged": judged,
        "fingerprint": "cd" * 32,
        "counts": {"documents": VECTORS, "queries": queries, "judgements": 2 * queries if judged else 0},
        "left_out": {"exact_copies": 3},
        "kept": {},
    }


class MadeUpRun:
    """What the steps before the reports leave of one method on one dataset."""

    def __init__(self, method, config, base, judged, rng):
        self.method, self.base, self.judged, self.rng = method, base, judged, rng
        self.stages = "fusion" in config
        self.bits = BITS[family(method)]
        # Methods of a family differ by their name, or sixty of them would be drawn at the same place.
        self.loss = min(0.9, LOSS[family(method)] * (0.6 + sum(map(ord, method)) % 50 / 50))
        self.slow = 0.3 + self.bits / 20 * (0.5 + sum(map(ord, method)) % 7 / 7)
        stores = [] if method == "float32" else [name for name in STORES if BITS[name] >= self.bits]
        self.grid = [("none", 1, top_k) for top_k in TOP_K]
        multipliers = config["rescore"]["multipliers"]
        self.grid += [(store, times, top_k) for store in stores for times in multipliers for top_k in TOP_K]

    def write(self, folder, p):
        """Write metrics.parquet, growth.parquet, speed.json and memory.json."""
        tables = [self.values(*setting) for setting in self.grid]
        write_parquet(folder / "metrics.parquet", tables[0].schema, tables, {"baseline_p": p if self.judged else None})
        sizes = [VECTORS // 2, VECTORS] if "hnsw" not in self.method else [VECTORS]
        grown = [self.grown(table, size) for size in sizes for table in tables if table["top_k"][0].as_py() == TOP_K[0]]
        write_parquet(folder / "growth.parquet", grown[0].schema, grown)
        write_json(
            folder / "speed.json", {"threads": 2, "batch_queries": 128, "build_seconds": 1.5, "settings": self.speeds()}
        )
        write_json(folder / "memory.json", {"settings": self.sizes()})
        if self.stages:
            self.write_stages(folder, tables)

    def write_stages(self, folder, tables):
        """Write fused.parquet and reranked.parquet, and BM25's metrics, which are those of the coarsest bits alone."""
        deep = [table for table in tables if table["top_k"][0].as_py() == TOP_K[-1]]
        write_parquet(folder / "fused.parquet", deep[0].schema, deep)
        ranked = [table.append_column("first_stage_recall", table["R@100"]) for table in tables]
        write_parquet(folder / "reranked.parquet", ranked[0].schema, ranked)
        write_parquet(folder.parents[1] / "bm25-metrics.parquet", tables[0].schema, tables[:2])

    def values(self, store, multiplier, top_k):
        """Return each query's metrics: rescoring gives back most of what the codes lose."""
        size = len(self.base)
        loss = self.loss if store == "none" else self.loss * LOSS[store] + self.loss / (4 * multiplier)
        hit = self.rng.random(size) < min(1, 4 * loss)
        ndcg = np.where(hit, self.base * (1 - loss * self.rng.random(size) * 1.2), self.base)
        agreement = np.clip(1 - hit * loss * self.rng.random(size) * 2, 0, 1)
        judged = [ndcg, ndcg / 1.2, np.minimum(1, ndcg * 1.5)] if self.judged else [np.full(size, np.nan)] * 3
        deep = np.full(size, np.nan) if top_k < 100 else judged[2]
        columns = dict(zip(METRICS, [judged[0], judged[1], deep, agreement, agreement], strict=True))
        found = np.full(size, 0.97 if "hnsw" in self.method and store == "none" else np.nan)
        keys = {"rescore_store": store, "rescore_multiplier": multiplier, "top_k": top_k}
        repeated = {name: [value] * size for name, value in keys.items()}
        return pa.table({"query_id": [f"q{row}" for row in range(size)], **repeated, **columns, "index_overlap": found})

    def grown(self, table, documents):
        """The same in a corpus of so many documents."""
        size = len(self.base)
        table = table.append_column("documents", pa.array([documents] * size))
        table = table.append_column("projected_from", pa.nulls(size, pa.int64()))
        return table.append_column("first_stage_recall", pa.array([0.9] * size))

    def speeds(self):
        """Return the settings of speed.json."""
        return [
            {
                **dict(zip(("rescore_store", "rescore_multiplier", "top_k"), setting, strict=True)),
                "rounds": 6,
                "latency_p50_ms": (own := self.slow + 0.02 * setting[1] * (setting[0] != "none")),
                **ends("latency_p50_ms", own),
                "latency_p95_ms": own * 1.2,
                "latency_p99_ms": own * 1.4,
                "queries_per_second": 5000 / own,
                **ends("queries_per_second", 5000 / own),
                "speedup_p50_vs_float32": 1.9 / own,
                **ends("speedup_p50_vs_float32", 1.9 / own),
                "engine": "faiss",
            }
            for setting in self.grid
        ]

    def sizes(self):
        """Return the settings of memory.json."""
        width = DIM * self.bits // 8
        file = VECTORS * (width + (140 if "hnsw" in self.method else 0)) + 40
        return [
            {
                "rescore_store": store,
                "vectors": VECTORS,
                "dim": DIM,
                "bytes_per_vector": width,
                "vector_bytes": VECTORS * width,
                "index_file_bytes": file,
                "store_file_bytes": 0 if store == "none" else VECTORS * DIM * BITS[store] // 8 + 40,
                "compression_vs_float32": VECTORS * DIM * 4 / file,
                "resident_bytes": file,
                "mapped_bytes": 0,
                "peak_rss_bytes": 10**8,
            }
            for store in dict.fromkeys(setting[0] for setting in self.grid)
        ]


def write_worst_queries(reports, query="why does dough rise", document="Bread rises because yeast turns sugar to gas."):
    """Add the reports of single queries' losses, worst_queries.csv and losses.csv."""
    setting = {"dataset": "facts", "model": "minilm", "method": "binary", "rescore_store": "none"}
    setting |= {"rescore_multiplier": 1, "top_k": 10, "metric": "nDCG@10"}
    rows = [
        {
            **setting,
            "place": place,
            "query_id": f"q{place}",
            "query": query,
            "baseline_value": 1.0,
            "value": value,
            "loss": 1.0 - value,
            "document_id": f"d{place}",
            "document": document,
            "baseline_rank": 1,
            "rank": rank,
            "reason": reason,
        }
        for place, value, rank, reason in [(1, 0.0, None, "not a candidate"), (2, 0.5, 3, "ranked lower")]
    ]
    pd.DataFrame(rows).to_csv(reports / "worst_queries.csv", index=False)
    bins = [
        {**setting, "by": by, "bin_low": low, "bin_high": high, "queries": 20, "mean_loss": mean}
        | {"mean_loss_low": mean - 0.05, "mean_loss_high": mean + 0.05}
        for by, edges in [("query_words", [(1, 3), (4, 6), (7, 20)]), ("baseline_margin", [(0.0, 0.1), (0.1, 0.5)])]
        for mean, (low, high) in zip((0.2, 0.12, 0.05), edges, strict=False)
    ]
    pd.DataFrame(bins).to_csv(reports / "losses.csv", index=False)


def write_examples(reports, query, document):
    """Add examples.csv: what float32 and the recommended setting find for a query of each dataset."""
    recommended = pd.read_csv(reports / "recommendation.csv", keep_default_na=False)
    recommended = recommended[recommended["dataset"] != "all"]
    setting = recommended[["dataset", "model", "method", "rescore_store", "rescore_multiplier", "top_k"]]
    told = {"metric": "nDCG@10", "example": "loses most", "among": 20, "query_id": "q1", "query": query}
    told |= {"baseline_value": 1.0, "value": 0.5}
    found = [
        {"rank": 1, "baseline_document_id": "d1", "baseline_document": document, "baseline_gain": 1.0}
        | {"document_id": "d2", "document": "another", "gain": 0.0},
        {"rank": 3, "baseline_document_id": "d3", "baseline_document": "a third", "baseline_gain": 0.0}
        | {"document_id": "d1", "document": document, "gain": 1.0},
        {"rank": 4, "baseline_document_id": "d4", "baseline_document": "a fourth", "baseline_gain": 0.0}
        | {"document_id": None, "document": None, "gain": 0.0},
    ]
    table = setting.merge(pd.DataFrame([told]), how="cross").merge(pd.DataFrame(found), how="cross")
    table.to_csv(reports / "examples.csv", index=False)
