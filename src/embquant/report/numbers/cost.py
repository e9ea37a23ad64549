"""What a study's methods cost: bytes in memory and on disk, and their price, at the corpus's size and at others."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from embquant.indexes import index_class
from embquant.report.numbers.quality import decisive, pareto, shown, with_quality
from embquant.report.numbers.tables import RUN, SETTING

GB = 10**9
SIZES = (10**6, 10**7, 10**8, 10**9)

COST = [
    *RUN,
    "rescore_store",
    "vectors",
    "memory_bytes_per_vector",
    "memory_bytes",
    "disk_bytes",
    "usd_per_month",
    "top_k",
    "rescore_multiplier",
    "measure",
    "kept",
    "queries_per_second_per_core",
    "pareto",
]


def priced(table: pd.DataFrame, config: Mapping[str, Any], vectors: int | None = None) -> pd.DataFrame:
    """Return what each row of ``table`` takes and costs for as many ``vectors``, or for the corpus.

    ``table`` has the columns of the memory table. A file of n vectors takes, for N of them, what it takes already and
    (N − n) × the bytes of a vector: of its code where all codes are scanned, of the index file where it is a graph or
    has lists. The index lies in memory and on disk, the store on disk; an index rescored by its own codes is one file.
    Columns: ``vectors``, ``memory_bytes_per_vector``, ``memory_bytes``, ``disk_bytes``, ``usd_per_month``; the index
    is that of ``table``.
    """
    methods = config["methods"]
    codec = table["method"].map({name: spec["codec"] for name, spec in methods.items()})
    kind = table["method"].map({name: spec["index"] for name, spec in methods.items()})
    wanted = table["vectors"] if vectors is None else pd.Series(vectors, table.index)
    further = wanted - table["vectors"]
    indexes = [
        index_class(config["codecs"][spec["codec"]]["family"], spec["index"])
        for spec in (methods[name] for name in table["method"])
    ]
    grows = pd.Series([index.has_overhead for index in indexes], table.index, dtype=bool)
    width = table["bytes_per_vector"].where(~grows, table["index_file_bytes"] / table["vectors"])
    memory = table["index_file_bytes"] + further * width
    store = table["store_file_bytes"] + further * _store_width(table, codec)
    disk = memory + store.where((kind != "flat") | (codec != table["rescore_store"]), 0)
    prices = {place: price["usd_per_gb_month"] / GB for place, price in config["prices"].items()}
    return pd.DataFrame(
        {
            "vectors": wanted,
            "memory_bytes_per_vector": width,
            "memory_bytes": memory.round().astype("int64"),
            "disk_bytes": disk.round().astype("int64"),
            "usd_per_month": memory * prices["memory"] + disk * prices["disk"],
        }
    )


def _store_width(table: pd.DataFrame, codec: pd.Series) -> pd.Series:
    """Return the bytes of a vector in the store: of its code, where a method of the study says, else of the file."""
    place = ["dataset", "model"]
    widths = table.assign(rescore_store=codec).groupby([*place, "rescore_store"])["bytes_per_vector"].first()
    own = widths.reindex(pd.MultiIndex.from_frame(table[[*place, "rescore_store"]])).to_numpy()
    return pd.Series(own, table.index).fillna(table["store_file_bytes"] / table["vectors"])


def cost_table(summary: pd.DataFrame, config: Mapping[str, Any]) -> pd.DataFrame:
    """Return ``cost.csv``: a row a method, store and number of vectors.

    Quality and throughput are those of one setting of the pair, at the rescore multiplier that the summary shows;
    throughput was measured at the corpus's size, and is missing at others.
    """
    groups = with_quality(summary).groupby(["dataset", "model"], sort=False)
    rows = pd.concat([shown(decisive(group), config["rescore"]["multipliers"]) for _, group in groups])
    rows["queries_per_second_per_core"] = rows["queries_per_second"] / rows["threads"]
    tables = []
    for vectors in (None, config["requirements"].get("vectors"), *SIZES):
        table = rows.drop(columns="vectors").join(priced(rows, config, vectors))
        table.loc[table["vectors"] != rows["vectors"], "queries_per_second_per_core"] = None
        tables.append(table)
    cost = pd.concat(tables).sort_values("vectors").sort_index(kind="stable", ignore_index=True)
    cost = cost.drop_duplicates([*RUN, "rescore_store", "vectors"])
    return marked(cost, ["dataset", "model", "vectors"])[COST]


def marked(table: pd.DataFrame, among: list[str]) -> pd.DataFrame:
    """Append ``pareto``, of ``usd_per_month`` and ``kept``, among the rows that have the same in ``among``."""
    groups = table.groupby(among, sort=False)
    return table.assign(pareto=pd.concat([pareto(group["usd_per_month"], group["kept"]) for _, group in groups]))


def pareto_marks(summary: pd.DataFrame, config: Mapping[str, Any]) -> pd.DataFrame:
    """Return ``pareto`` for each setting of the study, among those of the same dataset, model and ``top_k``."""
    table = with_quality(summary).join(priced(summary, config)["usd_per_month"])
    return marked(table, ["dataset", "model", "top_k"])[[*RUN, *SETTING, "pareto"]]


def mark(table: pd.DataFrame, marks: pd.DataFrame) -> pd.DataFrame:
    """Append ``pareto`` to a table of settings, or of methods and stores: whether any of their settings has it."""
    keys = [name for name in [*RUN, *SETTING] if name in table]
    return table.join(marks.groupby(keys)["pareto"].any(), on=keys)
