"""Queries that are documents themselves: ArguAna's arguments, Quora's questions.

A search finds a query's own document first, and it is no answer. BEIR's evaluators leave every result with the id of
the query out. In other collections queries and documents have the same ids by chance (both are numbered), so the
texts are compared as well, unless the configuration decides.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embquant.datasets.collection import IdenticalIds
from embquant.datasets.corpus import StagedCorpus
from embquant.datasets.queries import QUERIES_FILE
from embquant.files.parquet import take_rows

SAME = "results_that_are_the_query_itself"
OTHER = "results_with_the_id_of_the_query_and_another_text"
"""How the results that are left out, or kept, are counted in dataset.json: by whether their text is the query's."""


def has_own_documents(described: Mapping[str, Any]) -> bool:
    """Whether a dataset, described as dataset.json does, has queries whose own documents are left out of results."""
    return not {SAME, OTHER}.isdisjoint(described["left_out"])


def with_own_rows(
    queries: pa.Table,
    corpus: StagedCorpus,
    identical_ids: IdenticalIds | None,
    left_out: Counter[str],
    kept: Counter[str],
) -> pa.Table:
    """Return ``queries`` in the columns of queries.parquet: with the row of the document that each of them is.

    ``identical_ids`` "auto" takes documents with a query's id and text, with or without its title, "exclude" those with
    its id, "keep" none; None takes the documents that ``own_id`` names. What is left out and what is kept is counted.
    """
    ids = queries["own_id"] if identical_ids is None else queries["id"]
    own_rows = pc.fill_null(pc.index_in(ids, value_set=corpus.ids, skip_nulls=True), -1).to_numpy().astype(np.int64)
    found = np.flatnonzero(own_rows >= 0)
    if identical_ids is None:
        same = np.ones(len(found), bool)
    else:
        same = _same_text(queries["text"].take(found), corpus, own_rows[found])
    excluded = {"auto": same, "keep": np.zeros_like(same)}.get(identical_ids or "", np.ones_like(same))
    own_rows[found[~excluded]] = -1
    for counts, chosen in ((left_out, excluded), (kept, ~excluded)):
        counts[SAME], counts[OTHER] = int((chosen & same).sum()), int((chosen & ~same).sum())
    return pa.table([queries["id"], queries["text"], pa.array(own_rows)], schema=QUERIES_FILE)


def _same_text(queries: pa.ChunkedArray, corpus: StagedCorpus, rows: np.ndarray) -> np.ndarray:
    """Return whether each query is the text of the document at its row, bool; any white space counts as one space."""
    documents = take_rows(corpus.path, ["text", "body"], rows)
    asked = _words(queries)
    whole = pc.equal(asked, _words(documents["text"]))
    body = pc.equal(asked, _words(documents["body"]))
    same: np.ndarray = pc.or_(whole, pc.fill_null(body, False)).to_numpy()
    return same


def _words(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, r"\s+", " "))
