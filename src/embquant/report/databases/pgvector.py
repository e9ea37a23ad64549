"""PostgreSQL with pgvector, in SQL."""

from embquant.engines.pgvector_words import MOST_CANDIDATES, MOST_DIMENSIONS
from embquant.report.databases.base import Equal, NoEqual, Wanted
from embquant.study.method import StudyMethod

TYPES = {"float16": "halfvec", "float32": "vector"}
BY_INDEX = "SET enable_seqscan = off;  -- PostgreSQL scans a table of few rows instead of using its index"


def equal(wanted: Wanted) -> Equal:
    """Return the table, its index, and the query; ``$1`` is the vector of a query."""
    bits = wanted.code == "binary"
    if bits:
        kind, differs = wanted.originals(TYPES)
        differs += wanted.signs()
    else:
        kind, differs = wanted.quantizer(
            {
                "float32": ("vector", ""),
                "float16": ("halfvec", ""),
                "bfloat16": ("halfvec", "float16 instead of bfloat16"),
            }
        )
    dim = wanted.dim
    column = f", bits bit({dim}) GENERATED ALWAYS AS (binary_quantize(embedding)::bit({dim})) STORED" if bits else ""
    lines = [
        "CREATE EXTENSION IF NOT EXISTS vector;",
        f"CREATE TABLE documents (id bigint PRIMARY KEY, embedding {kind}({dim}){column});",
        "-- insert the documents here",
        *_index(wanted, "bit" if bits else kind),
        *_query(wanted, kind, bits),
    ]
    return Equal("\n".join(lines), differs)


def understood(method: StudyMethod, dim: int, top_k: int) -> Wanted:
    """Return what a method of the kind ``pgvector`` does."""
    build, search = method.build, method.search
    deeper = search.oversampling or 1
    least = 1 if search.iterative_scan else top_k * deeper
    if build.index == "hnsw" and least > MOST_CANDIDATES and not search.exact:
        raise NoEqual(f"its graph found at most {MOST_CANDIDATES:,} candidates of {least:,}; set iterative_scan: true")
    families = {"vector": "float32", "halfvec": "float16", "bit": "binary"}
    return Wanted.said(
        {"family": families[build.type]},
        dim,
        top_k,
        store=families[build.originals] if search.oversampling else None,
        symmetric=True,
        index={None: "flat", "hnsw": "hnsw", "ivfflat": "ivf"}[None if search.exact else build.index],
        graph=(build.m, build.ef_construction, search.ef_search),
        lists=(build.lists, search.probes),
        multiplier=deeper,
        goes_on=search.ef_search if search.iterative_scan else None,
    )


def _index(wanted: Wanted, kind: str) -> list[str]:
    """Return what builds an index, and how it is searched; nothing where all is scanned."""
    if wanted.index == "flat":
        return []
    if wanted.dim > MOST_DIMENSIONS[kind]:
        raise NoEqual(f"it can't index a {kind} of more than {MOST_DIMENSIONS[kind]:,} dimensions")
    column = "bits bit_hamming_ops" if kind == "bit" else f"embedding {kind}_ip_ops"
    if wanted.index == "ivf":
        lists, probes = wanted.lists
        built = f"CREATE INDEX ON documents USING ivfflat ({column}) WITH (lists = {lists});"
        searched_on = ["SET ivfflat.iterative_scan = relaxed_order;"] if wanted.goes_on else []
        return [built, BY_INDEX, f"SET ivfflat.probes = {probes};", *searched_on]
    edges, compared, kept = wanted.graph
    if compared < 2 * edges:
        raise NoEqual(f"its ef_construction is at least 2 × m, {compared} is less than 2 × {edges}")
    built = f"CREATE INDEX ON documents USING hnsw ({column}) WITH (m = {edges}, ef_construction = {compared});"
    first = wanted.goes_on or min(kept, MOST_CANDIDATES)
    searched_on = ["SET hnsw.iterative_scan = strict_order;"] if wanted.goes_on or kept > MOST_CANDIDATES else []
    return [built, BY_INDEX, f"SET hnsw.ef_search = {first};", *searched_on]


def _query(wanted: Wanted, kind: str, bits: bool) -> list[str]:
    by_embedding = f"ORDER BY embedding <#> $1::{kind}({wanted.dim}) LIMIT {wanted.top_k};"
    if not bits:
        return [f"SELECT id FROM documents {by_embedding}"]
    by_bits = (
        f"ORDER BY bits <~> binary_quantize($1::{kind}({wanted.dim}))::bit({wanted.dim}) LIMIT {wanted.candidates}"
    )
    if wanted.store is None:
        return [f"SELECT id FROM documents {by_bits};"]
    return [
        f"SELECT id FROM (SELECT id, embedding FROM documents {by_bits}) AS candidates",
        by_embedding,
    ]
