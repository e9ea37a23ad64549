"""A corpus searched in both ways, part by part and as one index, by the commands of the workflow."""

import json
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from embquant.files.atomic import write_json
from embquant.files.parquet import embedding_schema, matrix_to_array, write_parquet
from embquant.indexes import manifest as build
from embquant.indexes import suffix
from embquant.retrieve import candidates as search
from embquant.retrieve import method as methods
from embquant.steps import encode_corpus as encode
from embquant.steps import merge_candidates, search_part
from support.codec_cases import case, unit_vectors


def write_embeddings(path, vectors):
    schema = embedding_schema(vectors.shape[1])
    ids = pa.array([f"d{row}" for row in range(len(vectors))], pa.string())
    write_parquet(path, schema, [pa.table([ids, matrix_to_array(vectors)], schema)])


def both_ways(folder, name, scoring, edges, depth, vectors):
    """Search ``vectors`` cut at ``edges``, part by part and as one index; return the files of candidates."""
    state = folder / "state.npz"
    codec = case(name)
    codec.save(state)
    write_json(state.with_suffix(".json"), {"seconds": 0})
    write_embeddings(folder / "queries.parquet", np.concatenate([unit_vectors(40, seed=1), vectors[:3]]))
    codes = []
    for part, (first, stop) in enumerate(pairwise([0, *edges, len(vectors)])):
        embeddings = folder / f"part-{part}.parquet"
        write_embeddings(embeddings, vectors[first:stop])
        codes.append(folder / f"codes-{part}.parquet" if codec.column == "code" else embeddings)
        if codec.column == "code":
            encode.run(SimpleNamespace(codec=state, embeddings=embeddings, output=codes[-1]))
    common = {"queries": folder / "queries.parquet", "scoring": scoring}
    found = [folder / f"found-{part}.parquet" for part in range(len(codes))]
    for own, output in zip(codes, found, strict=True):
        search_part.run(SimpleNamespace(codec=state, codes=own, depth=depth, threads=1, output=output, **common))
    merge_candidates.run(SimpleNamespace(parts=found, output=folder / "merged.parquet"))
    index = folder / f"index{suffix(codec.family, 'flat')}"
    build.run(SimpleNamespace(kind="flat", codec=state, codes=codes, parameters="{}", output=index))
    manifest, method = index.with_name(f"{index.name}.json"), folder / "method.json"
    methods.run(SimpleNamespace(name=name, index=manifest, scoring=scoring, search=json.dumps({}), output=method))
    whole = folder / "whole.parquet"
    search.run(SimpleNamespace(method=method, depths=[5, depth], threads=2, output=whole, queries=common["queries"]))
    return folder / "merged.parquet", whole
