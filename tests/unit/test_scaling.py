"""The plan of a larger corpus: proportions by hand, and what it says of files that it can't use."""

import pandas as pd
import pytest
from plan_scale import GIB, INDEX_SHARE, embedding_stages, machines_for, main, measured_stages, plan, size

STEPS = pd.DataFrame(
    [
        ("generate", "part-0000", 100, 9.0, 153600),
        ("generate", "queries", 100, 9.0, 777),
        ("build-store binary", "build-store binary", 50, 99.0, 99),  # a smaller corpus tells nothing
        ("build-store binary", "build-store binary", 100, 72.0, 4800),
        ("search-index binary", "search-index binary", 100, 18.0, 160),
        ("evaluate-run binary", "evaluate-run binary", 100, 5.0, 10),
        ("finished", "finished", 100, None, None),
    ],
    columns=["step", "name", "vectors", "seconds", "output_bytes"],
)
EMBEDDING = pd.DataFrame(
    {"what": ["short texts, beside x", "short texts, beside y"], "ours_docs_per_second": [100.0] * 2, "machine": "m"}
)


def test_stages_are_those_of_the_largest_corpus_a_vector():
    build, search = measured_stages(STEPS, cores=2)
    assert (build.name, build.seconds_per_vector, build.bytes_per_vector) == ("build-store binary", 0.72, 48)
    assert (build.held, build.cores) == (True, 1)
    assert (search.cores, search.bytes_per_vector) == (2, 0)


def test_embedding_writes_float32_once_for_each_kind_of_text():
    [stage] = embedding_stages(EMBEDDING, STEPS, cores=2)
    assert (stage.seconds_per_vector, stage.bytes_per_vector, stage.cores) == (0.01, 1536, 2)


def test_plan_is_proportional():
    build, search = measured_stages(STEPS, cores=2)
    assert build.plan(1_000_000, GIB)["core hours"] == "200.0"
    assert search.plan(1_000_000, GIB)["core hours"] == "100.0"
    assert build.plan(10**9, 64 * GIB)["writes"] == "48 GB"
    assert (build.plan(10**9, 64 * GIB)["machines"], build.plan(10**10, 64 * GIB)["machines"]) == ("1", "9")


def test_one_byte_beyond_a_machine_takes_another():
    assert (machines_for(INDEX_SHARE * GIB, GIB), machines_for(INDEX_SHARE * GIB + 1, GIB)) == (1, 2)


@pytest.mark.parametrize(("count", "text"), [(999, "999 B"), (1000, "1 kB"), (1.536e12, "1.54 TB"), (2e15, "2,000 TB")])
def test_size(count, text):
    assert size(count) == text


def test_plan_names_texts_once_and_every_stage():
    text = plan(STEPS, EMBEDDING, [10**8], 64, 2)
    assert text.count("short texts") == 1
    assert all(name in text for name in ("search-index binary", "build-store binary", "100,000,000 vectors"))
    assert "generate" not in text


def test_missing_measurements_are_named(tmp_path):
    with pytest.raises(SystemExit, match=r"no.csv: no such file; make bench"):
        main(["--steps", str(tmp_path / "no.csv"), "--embedding", "x.csv"])
