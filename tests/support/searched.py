"""A corpus searched in both ways, part by part and as one index, by the commands of the workflow."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from embquant.files.parquet import part_rows
from embquant.indexes import index_class
from embquant.indexes.manifest import Encoded
from embquant.steps.build_store import corpus_sample, store_codes
from embquant.steps.define_method import define_method
from embquant.steps.merge_candidates import merge_candidates
from embquant.steps.search_index import search_index
from embquant.steps.search_part import search_part
from support.codec_cases import case, unit_vectors
from support.embeddings import write_vectors


def both_ways(folder, name, scoring, parts, depth, vectors, own_rows=None, *, growth=None, judged=()):
    """Search ``vectors`` in ``parts`` parts, one by one and as one index; return the files of candidates.

    ``own_rows`` are the rows of the queries' own documents, if they have some; ``growth`` chooses subsets that hold the
    rows ``judged``.
    """
    subsets = {"growth": growth, **write_dataset(folder, len(vectors), judged)} if growth else {}
    dataset = {}
    if own_rows is not None:
        dataset = {"queries": folder / "dataset.parquet"}
        pq.write_table(pa.table({"own_row": own_rows}), dataset["queries"])
    state = folder / "state.npz"
    codec = case(name)
    codec.save(state)
    write_vectors(folder / "queries.parquet", np.concatenate([unit_vectors(40, seed=1), vectors[:3]]))
    embeddings = [folder / f"part-{part}.parquet" for part in range(parts)]
    for part, path in enumerate(embeddings):
        write_vectors(path, vectors[slice(*part_rows(len(vectors), part, parts))])
    queries = folder / "queries.parquet"
    index = folder / f"index{index_class(codec.family, 'flat').suffix}"
    store_codes(corpus_sample(embeddings), index, Encoded(state))
    manifest, method = index.with_name(f"{index.name}.json"), folder / "method.json"
    found = [folder / f"found-{part}.parquet" for part in range(parts)]
    asked = {"query_vectors": queries, "scoring": scoring, "depth": depth, **dataset}
    for part, output in enumerate(found):
        search_part(store=manifest, part=part, parts=parts, output=output, **asked, **subsets)
    merge_candidates(parts=found, output=folder / "merged.parquet", **dataset)
    define_method(name=name, manifest=manifest, scoring=scoring, output=method)
    whole = folder / "whole.parquet"
    search_index(
        method_file=method, depths=[5, depth], threads=2, output=whole, query_vectors=queries, **dataset, **subsets
    )
    return folder / "merged.parquet", whole


def write_dataset(folder, documents, judged):
    """Write a corpus with the ids d0, d1, … and judgements of these rows; return the files by their options."""
    files = {"corpus": folder / "corpus.parquet", "qrels": folder / "qrels.parquet"}
    pq.write_table(pa.table({"id": [f"d{row}" for row in range(documents)]}), files["corpus"])
    pq.write_table(pa.table({"doc_row": pa.array(judged, pa.int64())}), files["qrels"])
    return files
