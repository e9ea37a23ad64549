"""Files that steps hand to each other, changed on the way: read rightly, or refused in one line.

A changed code is another code: where a command ends well, what it wrote has the form that it should have.
"""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embquant.retrieve.candidates import Candidates
from support.fuzz_files import DEPTH, DOCUMENTS, FAMILIES, INDEXED, QUERIES
from support.mutations import fuzzed, mutations

indexes = st.sampled_from(INDEXED)
families = st.sampled_from(FAMILIES)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def change(study, folder, path, mutate):
    """Change the copy of one of the study's files."""
    copy = folder / path.relative_to(study.folder)
    copy.write_bytes(mutate(copy.read_bytes()))


def check_candidates(path, documents):
    rows, scores = Candidates(path).read(0)
    assert rows.shape == scores.shape == (QUERIES, min(DEPTH, documents))
    assert ((rows >= -1) & (rows < documents)).all()


def documents_of(study, family, kind):
    return json.loads(study.index(family, kind).with_name(f"{study.index(family, kind).name}.json").read_text())[
        "vectors"
    ]


@fuzzed
@given(index=indexes, mutate=mutations())
def test_index_files(embquant, study, tmp_path, index, mutate):
    folder = study.copy(tmp_path / "copy", index[0])
    change(study, folder, study.index(*index), mutate)
    if embquant("search-index", *study.searching(folder, *index), "--output", tmp_path / "found.parquet").status == 0:
        check_candidates(tmp_path / "found.parquet", DOCUMENTS)


@fuzzed
@given(index=indexes, mutate=mutations())
def test_states_of_codecs(embquant, study, tmp_path, index, mutate):
    folder = study.copy(tmp_path / "copy", index[0])
    change(study, folder, study.state(index[0]), mutate)
    if embquant("search-index", *study.searching(folder, *index), "--output", tmp_path / "found.parquet").status == 0:
        check_candidates(tmp_path / "found.parquet", DOCUMENTS)


@fuzzed
@given(family=families, mutate=mutations())
def test_embeddings(embquant, study, tmp_path, family, mutate):
    folder = study.copy(tmp_path / "copy", family)
    change(study, folder, study.embeddings, mutate)
    entry, store = ["--entry", study.entry(family)], tmp_path / study.index(family, "flat").name
    if embquant("build-store", *entry, *study.storing(folder, family), "--output", store).status == 0:
        part = ["--part", 0, "--parts", 1, "--query-vectors", folder / "queries.parquet", "--depth", DEPTH]
        output = tmp_path / "found.parquet"
        assert embquant("search-part", "--store", f"{store}.json", *part, "--output", output).status in (0, 2)
        if output.exists():
            check_candidates(output, pq.ParquetFile(folder / "embeddings.parquet").metadata.num_rows)


@fuzzed
@given(index=indexes, shared=st.sampled_from(["found", "queries", "qrels"]), mutate=mutations())
def test_candidates_queries_and_judgements(embquant, study, tmp_path, index, shared, mutate):
    folder = study.copy(tmp_path / "copy", index[0])
    path = study.found(*index) if shared == "found" else getattr(study, shared)
    change(study, folder, path, mutate)
    if (
        embquant("evaluate-run", *study.evaluating(folder, *index), "--output", tmp_path / "metrics.parquet").status
        == 0
    ):
        measured = pq.read_table(tmp_path / "metrics.parquet", columns=["overlap@5", "nDCG@5"])
        assert measured.num_rows == QUERIES * 2
        assert all(0 <= value <= 1 for value in measured["overlap@5"].to_pylist())


@fuzzed
@given(index=indexes, which=st.sampled_from(["manifest", "method"]), data=st.data())
def test_manifests_and_methods(embquant, study, tmp_path, index, which, data):
    folder = study.copy(tmp_path / "copy", index[0])
    own = study.index(*index)
    path = folder / (own.with_name(f"{own.name}.json") if which == "manifest" else study.method(*index)).relative_to(
        study.folder
    )
    if data.draw(st.booleans()):
        path.write_bytes(data.draw(mutations())(path.read_bytes()))
    else:
        value = json.loads(path.read_text())
        value[data.draw(st.sampled_from([*value, "another"]))] = data.draw(json_values)
        path.write_text(json.dumps(value))
    if embquant("search-index", *study.searching(folder, *index), "--output", tmp_path / "found.parquet").status == 0:
        check_candidates(tmp_path / "found.parquet", DOCUMENTS)


@pytest.mark.parametrize("column", ["rows", "scores"])
def test_what_changes_nothing_is_read(embquant, study, tmp_path, column):
    """The judge of the judge: an unchanged file is found good, and gives what it gave."""
    folder = study.copy(tmp_path / "copy", "binary")
    assert (
        embquant("search-index", *study.searching(folder, "binary", "hnsw"), "--output", tmp_path / "found").status == 0
    )
    tables = [pq.read_table(path)[column].to_pylist() for path in (tmp_path / "found", study.found("binary", "hnsw"))]
    assert np.array_equal(*tables)
