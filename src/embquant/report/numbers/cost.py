"""What settings cost: bytes in memory and on disk, and their price, at the corpus's size and at others."""

import pandas as pd

from embquant.report.numbers.measured import RUN, SETTING
from embquant.report.numbers.quality import decisive, in_summary, pareto, with_quality
from embquant.study.method import SIZES
from embquant.study.study import Study

GB = 10**9
COST = [
    *(*RUN, "rescore_store", "vectors", "memory_bytes_per_vector", "memory_bytes", "disk_bytes", "usd_per_month"),
    *("top_k", "rescore_multiplier", "measure", "kept", "queries_per_second_per_core", "pareto"),
]


def priced(table: pd.DataFrame, study: Study, vectors: int | None = None) -> pd.DataFrame:
    """Return what each row of ``table`` takes and costs for as many ``vectors``, or for the corpus.

    ``table`` has the columns of memory.csv. A file of n vectors takes, for N of them, what it takes already plus
    (N − n) × the bytes per vector: those of its code where all codes are scanned, those of the index file where it is a
    graph or has lists. The index is in memory and on disk, the store is on disk; an index that is rescored by its own
    codes is one file. Of a database, only what a search looks through is in memory, and logs don't grow. Columns:
    ``vectors``, ``memory_bytes_per_vector``, ``memory_bytes``, ``disk_bytes``, ``usd_per_month``; the pandas index is
    that of ``table``.
    """
    methods = study.methods
    codec = table["method"].map({name: method.entry.codec for name, method in methods.items()})
    has_overhead = table["method"].map({name: method.index_class.has_overhead for name, method in methods.items()})
    wanted = table["vectors"] if vectors is None else pd.Series(vectors, table.index)
    further = wanted - table["vectors"]
    codes_alone = ~has_overhead.astype(bool)
    looked_through, growing = _parts(table, study)
    width = table["bytes_per_vector"].where(codes_alone, looked_through / table["vectors"])
    memory = looked_through + further * width
    file_width = table["bytes_per_vector"].where(codes_alone, growing / table["vectors"])
    file = table["index_file_bytes"] + further * file_width
    store = table["store_file_bytes"] + further * _store_width(table, codec)
    is_store = table["method"].map({name: method.is_flat for name, method in methods.items()})
    disk = file + store.mask(is_store & (codec == table["rescore_store"]), 0)
    prices = study.config.prices
    usd_per_byte = {place: getattr(prices, place).usd_per_gb_month / GB for place in ("memory", "disk")}
    return pd.DataFrame(
        {
            "vectors": wanted,
            "memory_bytes_per_vector": width,
            "memory_bytes": memory.round().astype("int64"),
            "disk_bytes": disk.round().astype("int64"),
            "usd_per_month": memory * usd_per_byte["memory"] + disk * usd_per_byte["disk"],
        }
    )


def _parts(table: pd.DataFrame, study: Study) -> tuple[pd.Series, pd.Series]:
    """Return the bytes of each index that have to be in memory, and those that grow with the number of vectors.

    Both are all of its file, but of a database's files the first is what it searches: its logs, and the vectors of
    which it reads those of candidates alone, stay on disk. Of these the logs, and what an empty one has, don't grow.
    """
    file = table["index_file_bytes"]
    if "searched_bytes" not in table:
        return file, file
    methods = table["method"].map(study.methods)
    originals = methods.map(lambda method: method.index_class.looks_through_originals(method.build, method.search))
    searched = table["searched_bytes"] + table["originals_bytes"] * originals.astype(int)
    growing = table["searched_bytes"] + table["originals_bytes"]
    return searched.astype(float).fillna(file), growing.astype(float).fillna(file)


def _store_width(table: pd.DataFrame, codec: pd.Series) -> pd.Series:
    """Return the store's bytes per vector: those of its code, if a method of the study has it, else of the file."""
    keys = ["dataset", "model", "rescore_store"]
    widths = table.assign(rescore_store=codec).groupby(keys)["bytes_per_vector"].first()
    known = widths.reindex(pd.MultiIndex.from_frame(table[keys])).to_numpy()
    return pd.Series(known, table.index).fillna(table["store_file_bytes"] / table["vectors"])


def cost_table(summary: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return one row per method, store and number of vectors.

    Quality and throughput are those of one setting of the pair, at the rescore multiplier that the summary lists;
    throughput was measured at the corpus's size, and is missing at others.
    """
    groups = with_quality(summary).groupby(["dataset", "model"], sort=False)
    rows = pd.concat([in_summary(decisive(group), study.config.rescore.multipliers) for _, group in groups])
    rows["queries_per_second_per_core"] = rows["queries_per_second"] / rows["threads"]
    tables = []
    for vectors in (None, study.config.requirements.vectors, *SIZES):
        table = rows.drop(columns="vectors").join(priced(rows, study, vectors))
        table.loc[table["vectors"] != rows["vectors"], "queries_per_second_per_core"] = None
        tables.append(table)
    cost = pd.concat(tables).sort_values("vectors").sort_index(kind="stable", ignore_index=True)
    cost = cost.drop_duplicates([*RUN, "rescore_store", "vectors"])
    return _with_pareto_among(cost, ["dataset", "model", "vectors"])[COST]


def pareto_settings(summary: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return ``pareto`` for each setting of the study, among those of the same dataset, model and ``top_k``."""
    table = with_quality(summary).join(priced(summary, study)["usd_per_month"])
    return _with_pareto_among(table, ["dataset", "model", "top_k"])[[*RUN, *SETTING, "pareto"]]


def with_pareto(table: pd.DataFrame, settings: pd.DataFrame) -> pd.DataFrame:
    """Append ``pareto`` to a table of settings, or of methods and stores: whether any of their ``settings`` has it."""
    keys = [name for name in [*RUN, *SETTING] if name in table]
    return table.join(settings.groupby(keys)["pareto"].any(), on=keys)


def _with_pareto_among(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Append ``pareto``, of ``usd_per_month`` and ``kept``, among the rows that have the same ``keys``."""
    groups = table.groupby(keys, sort=False)
    return table.assign(pareto=pd.concat([pareto(group["usd_per_month"], group["kept"]) for _, group in groups]))
