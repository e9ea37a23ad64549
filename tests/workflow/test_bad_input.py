"""What is wrong is said in one line, last, before any long work, and nothing half-written stays."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.workflow


DATASET = "results/facts/corpus.parquet"


def failing_run(checkout, *targets):
    """Run as `make run` does, the whole study or only ``targets``; return the last line."""
    status, output = checkout.snakemake("--configfile", "study.yaml", "--", *targets)
    assert status != 0, output
    last = output.rstrip().splitlines()[-1]
    assert last.startswith("embquant: error: "), output
    assert not list(checkout.folder.glob("results/logs/**/embed_corpus*")), output
    return last


def test_a_mistake_in_the_configuration(fresh):
    fresh.configure(top_kk=[10])
    assert "study.yaml: unknown key 'top_kk'; did you mean 'top_k'" in failing_run(fresh)
    assert not (fresh.folder / "results").exists()


@pytest.mark.parametrize("text", ["- a list", "study: [unclosed"])
def test_configuration_that_is_no_mapping(fresh, text):
    (fresh.folder / "study.yaml").write_text(text)
    assert failing_run(fresh)


def test_a_key_that_stands_twice(fresh):
    """Snakemake's own reader lets the last one win: a method would be measured under another one's name."""
    with (fresh.folder / "study.yaml").open("a") as file:
        file.write("\ntop_k: [5]\ntop_k: [10]\n")
    assert "study.yaml: line " in (last := failing_run(fresh)) and "the key 'top_k' stands twice" in last


def test_empty_corpus(fresh):
    (fresh.folder / "input" / "corpus.jsonl").write_text("")
    assert "corpus.jsonl" in failing_run(fresh, DATASET)


def test_judgements_of_unknown_documents_alone(fresh):
    """One among others is counted instead: the document is relevant and never found, as trec_eval has it."""
    (fresh.folder / "input" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq0\td999\t1\n")
    assert "'d999'" in failing_run(fresh, DATASET)


def test_truncated_parquet(fresh):
    path = fresh.folder / "input" / "corpus.parquet"
    pq.write_table(pa.table({"id": ["a", "b"], "text": ["x", "y"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    (fresh.folder / "input" / "corpus.jsonl").unlink()
    assert "corpus.parquet" in failing_run(fresh, DATASET)


def test_missing_folder(fresh):
    fresh.configure(datasets={"facts": {"source": "files", "path": "nowhere"}})
    assert "nowhere: no such folder" in failing_run(fresh, DATASET)


def test_duplicate_id_is_named_and_nothing_is_left(fresh):
    with (fresh.folder / "input" / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "d3", "title": "", "text": "again"}\n')
    assert "'d3'" in failing_run(fresh, DATASET)
    assert not list(fresh.folder.glob("results/facts/*.parquet"))


def test_missing_model_says_what_to_install(fresh):
    fresh.configure(models={"minilm": {"name": "nobody/no-such-model"}})
    assert "nobody/no-such-model" in failing_run(fresh)


def test_precomputed_embeddings_with_nan_name_the_document(fresh):
    vectors = np.random.default_rng(0).standard_normal((33, 16)).astype(np.float32)
    vectors[7, 3] = np.nan
    np.save(fresh.folder / "vectors.npy", vectors)
    ids = [f"d{row}" for row in range(25)] + [f"q{row}" for row in range(8)]
    (fresh.folder / "ids.txt").write_text("\n".join(ids) + "\n")
    fresh.configure(
        models={"given": {"type": "precomputed", "corpus": "vectors.npy", "queries": "vectors.npy", "ids": "ids.txt"}}
    )
    status, output = fresh.snakemake("--configfile", "study.yaml")
    assert status != 0
    last = output.rstrip().splitlines()[-1]
    assert last.startswith("embquant: error: ")
    assert "d7" in last
    assert "NaN" in last
    assert not list(fresh.folder.glob("results/facts/given/embeddings/*000-of-002*"))  # nor a temporary file of it


def test_damaged_index_is_named_and_not_used(changed):
    index = changed.folder / "results" / "facts" / "minilm" / "stores" / "binary.faiss"
    size = index.stat().st_size
    index.write_bytes(index.read_bytes()[:-100])
    status, output = changed.embquant("search", "results/facts/minilm", "x")
    assert status == 2
    name = index.relative_to(changed.folder)
    wrong = f"embquant: error: {name}: damaged, {size - 100} bytes where {size} were written; "
    assert output == f"{wrong}to rebuild it: rm -f {name} && make run CONFIG=study.yaml ARGS='-- {name}'\n"
