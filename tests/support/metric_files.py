"""Writes files of metrics per query, as evaluate-run does."""

import numpy as np
import pyarrow as pa

from embquant.files.parquet import write_parquet

QUERIES = 200


def write(path, ndcg, top_ks=(10, 100), store="none", **over_ties):
    """Write nDCG@10 per query; ``over_ties`` are its ``expected``, ``least`` and ``greatest`` values, if given."""
    tables = []
    for top_k in top_ks:
        keys = {"rescore_store": store, "rescore_multiplier": 1, "top_k": top_k}
        columns = {name: [value] * QUERIES for name, value in keys.items()}
        columns |= {"query_id": [f"q{row}" for row in range(QUERIES)], "nDCG@10": ndcg, "overlap@10": ndcg * np.nan}
        columns |= {f"nDCG@10_{name}": values for name, values in over_ties.items()}
        tables.append(pa.table(columns))
    write_parquet(path, tables[0].schema, tables)
    return path
