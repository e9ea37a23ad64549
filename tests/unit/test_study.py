"""What follows from a configuration, and where its files lie: expectations by hand."""

import copy
from dataclasses import replace

import pytest

from embquant.study.layout import Layout
from embquant.study.plan import Corpus, Plan, duration, planned_keys, size
from embquant.study.study import Study

ENTRIES = {
    "study": "small",
    "datasets": {
        "a": {"source": "files", "path": "nowhere"},
        "b": {"source": "files", "corpus": "s3://bucket/corpus.jsonl"},
        "both": {"source": "pooled", "datasets": ["a", "b"]},
    },
    "evaluate": ["both"],
    "models": {"given": {"type": "precomputed", "corpus": "{dataset}.npy"}, "minilm": {}},
    "parts": 2,
    "codecs": {
        "float32": {"family": "float32"},
        "half": {"family": "float32", "transform": {"kind": "truncate", "dim": 8}},
        "int8": {"family": "int8"},
        "binary": {"family": "binary"},
    },
    "methods": {
        "float32": {"codec": "float32", "index": "flat"},
        "half": {"codec": "half", "index": "flat"},
        "int8": {"codec": "int8", "index": "flat"},
        "int8-codes": {"codec": "int8", "index": "flat", "scoring": "symmetric"},
        "int8-hnsw": {"codec": "int8", "index": "hnsw", "search": {"expansion_search": [16, 64]}},
        "binary": {"codec": "binary", "index": "flat"},
        "binary-ivf": {"codec": "binary", "index": "ivf"},
    },
    "top_k": [3, 10],
    "rescore": {"stores": ["binary", "int8", "float32"], "multipliers": [2, 4]},
}


def study(**changes):
    return Study.read({**copy.deepcopy(ENTRIES), **changes})


@pytest.mark.parametrize(
    ("method", "scoring"),
    [("float32", "asymmetric"), ("int8", "asymmetric"), ("int8-codes", "symmetric"), ("binary", "symmetric")],
)
def test_the_scoring_is_the_entry_s_or_the_index_s_first(method, scoring):
    assert study().methods[method].scoring == scoring


@pytest.mark.parametrize(
    ("size", "given", "expected"), [(100_000, {}, 1), (100_001, {}, 4), (100_000, {"parts": 4}, 4)]
)
@pytest.mark.parametrize("pooled", [{}, {"all-of-it": {"source": "pooled", "datasets": ["own"]}}])
def test_a_small_corpus_is_one_part_unless_the_configuration_says_in_how_many(tmp_path, size, given, expected, pooled):
    row = '{"_id": "a", "title": "", "text": "x"}\n'
    (tmp_path / "queries.jsonl").write_text(row)
    (tmp_path / "corpus.jsonl").write_text(row.ljust(size - len(row)))
    datasets = {"own": {"source": "files", "path": str(tmp_path)}, **pooled}
    entries = {key: value for key, value in ENTRIES.items() if key not in ("parts", "evaluate")}
    asked = Study.read({**entries, "datasets": datasets, **given})
    assert len(asked.layout.each_part(asked.layout.embeddings())) == expected
    assert Study.read(asked.config.to_dict()).layout == asked.layout  # a job gets the whole configuration


def test_a_dataset_that_is_not_on_this_disk_is_not_small(tmp_path):
    (tmp_path / "queries.jsonl").write_text("")
    tables = {"corpus": "s3://bucket/corpus.jsonl", "queries": str(tmp_path / "queries.jsonl")}
    entries = {key: value for key, value in ENTRIES.items() if key not in ("parts", "evaluate")}
    assert Study.read({**entries, "datasets": {"far": {"source": "files", **tables}}}).config.parts == 4


def test_stores_as_fine_as_the_codes_rescore_and_nothing_rescores_float32():
    methods = study().methods
    stores = {name: methods[name].rescore_stores for name in ("float32", "half", "int8", "binary")}
    assert stores == {
        "float32": [],
        "half": ["float32"],
        "int8": ["int8", "float32"],
        "binary": ["binary", "int8", "float32"],
    }
    assert study().rescore_stores == ["binary", "int8", "float32"]


def test_a_method_is_searched_as_deep_as_its_settings_need_and_the_baseline_at_twice_top_k():
    methods = study().methods
    assert methods["binary"].depths == [3, 6, 10, 12, 20, 40]
    assert methods["float32"].depths == [3, 10]
    assert methods["float32"].searched_depths == [3, 10, study().config.depth_with_ties] == [3, 10, 20]
    assert methods["binary"].searched_depths == methods["binary"].depths  # deep enough already
    assert len(methods["binary"].settings) == 2 + 3 * 2 * 2


def test_a_scan_that_nothing_rescores_is_searched_deeper_to_see_what_is_tied_with_the_last():
    methods = study(rescore={"stores": []}).methods
    assert methods["binary"].searched_depths == [3, 10, 20]
    assert methods["int8-hnsw-expansion-search-16"].searched_depths == [3, 10]


def test_larger_corpora_are_drawn_from_lists_as_deep_of_the_baseline_as_of_what_is_rescored():
    """Of 20 candidates, 12 of them without judgements, float32 was expected to find half of what it finds of 40."""
    methods = study(top_k=[10], rescore={"stores": ["int8"], "multipliers": [1, 4]}).methods
    assert [max(methods[name].searched_depths) for name in ("float32", "half", "binary")] == [40, 40, 40]
    methods = study(top_k=[10], rescore={"stores": ["int8"], "multipliers": [1]}).methods
    assert [max(methods[name].searched_depths) for name in ("float32", "binary")] == [40, 40]
    alone = study(top_k=[10], rescore={"stores": ["int8"], "multipliers": [4]}, growth={"halvings": 0}).methods
    assert max(alone["float32"].searched_depths) == 20


def test_methods_of_a_sweep_share_an_index_and_are_compared_with_the_scan_of_the_same_codes():
    small = study()
    swept = [small.methods[f"int8-hnsw-expansion-search-{value}"] for value in (16, 64)]
    assert {method.entry.index_name for method in swept} == {"int8-hnsw"}
    assert [method.entry.search for method in swept] == [{"expansion_search": 16}, {"expansion_search": 64}]
    assert {method.index_file for method in swept} == {"results/{dataset}/{model}/indexes/int8-hnsw.usearch"}
    assert list(small.indexes) == ["int8-hnsw", "binary-ivf"]
    assert [method.exact_twins for method in swept] == [["int8"], ["int8"]]
    assert small.methods["binary-ivf"].exact_twins == ["binary"]
    assert small.methods["int8"].exact_twins == []


def test_an_approximate_method_whose_codes_no_method_scans_has_no_exact_twin():
    methods = {name: entry for name, entry in ENTRIES["methods"].items() if name != "int8"}
    assert study(methods=methods).methods["int8-hnsw-expansion-search-16"].exact_twins == []


def test_parts_are_searched_by_themselves_where_the_study_asks_for_it_and_the_method_is_exact():
    methods = study(search={"by": "part"}).methods
    assert methods["int8"].is_searched_by_part
    assert not methods["binary-ivf"].is_searched_by_part
    assert not study().methods["int8"].is_searched_by_part


def test_a_pooled_dataset_is_read_from_its_members_and_an_address_is_fetched():
    small = study()
    assert small.datasets == ["both"]
    assert small.members("both") == ["a", "b"]
    assert small.dataset_inputs("both")[:2] == ["results/a/corpus.parquet", "results/a/queries.parquet"]
    assert len(small.dataset_inputs("both")) == 8
    assert small.config.datasets["b"].addresses() == {"corpus": "s3://bucket/corpus.jsonl"}
    assert small.config.datasets["a"].addresses() == {}


def test_given_vectors_are_the_files_that_are_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "both.npy").write_bytes(b"")
    small = study()
    assert small.given_vectors("both", "given") == ["both.npy"]
    assert small.given_vectors("a", "given") == []
    assert small.given_vectors("both", "minilm") == []
    assert small.text_models == ["minilm"]


def test_a_configuration_is_the_same_study_after_it_has_been_written_and_read():
    small = study()
    again = Study.read(small.config.to_dict())
    assert again.config.to_dict() == small.config.to_dict()
    assert {name: method.index_file for name, method in again.methods.items()} == {
        name: method.index_file for name, method in small.methods.items()
    }


def test_paths_are_patterns_until_they_are_filled_in():
    layout = Layout("small", 3)
    assert layout.corpus() == "results/{dataset}/corpus.parquet"
    assert layout.corpus("a") == "results/a/corpus.parquet"
    assert layout.candidates("int8") == "results/reports/small/runs/{dataset}/{model}/int8/candidates.parquet"
    assert layout.each_part("part-{part}-of-{parts}")[2] == "part-002-of-003"
    assert layout.study_log("join_reports") == "results/logs/reports/small/join_reports.log"


CORPUS = Corpus("both", "given", documents=1000, distinct=900, embedded=1000, queries=50, dim=16, rate=None)


def test_a_plan_is_at_least_rows_times_bytes_and_counts_no_file_that_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = Plan.of(study(models={"given": ENTRIES["models"]["given"]}), [CORPUS])
    planned = {file.path: file.bytes for file in plan.files}
    assert planned["results/both/given/stores/binary.faiss"] == 1000 * 2
    assert planned["results/both/given/stores/int8.i8bin"] == 1000 * 16
    assert planned["results/both/given/embeddings/part-000-of-002.parquet"] == 500 * 64
    runs = "results/reports/small/runs/both/given"
    candidate = 8 + 2  # a score, and one of a thousand rows
    subsets = 6 * 12  # 500, 250, 125, 62, 31 and 15 documents, each searched for 3 × 4
    assert planned[f"{runs}/binary/candidates.parquet"] == 50 * (40 + subsets) * candidate  # one search for all
    assert planned[f"{runs}/binary-ivf/candidates.parquet"] == 50 * sum([3, 6, 10, 12, 20, 40]) * candidate
    whole = plan.bytes_to_write()
    part = tmp_path / "results/both/given/embeddings/part-000-of-002.parquet"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x")
    assert whole - plan.bytes_to_write() == 2 * 500 * 64  # the part, and what it would be made from


def test_a_plan_leaves_out_what_so_few_documents_can_not_have(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    codecs = {**ENTRIES["codecs"], "pq": {"family": "pq", "pieces": 4}}
    methods = {**ENTRIES["methods"], "pq": {"codec": "pq", "index": "flat"}}
    rescore = {"stores": ["pq", "float32"], "multipliers": [2]}
    fewer = replace(CORPUS, dataset="few", documents=255)
    plan = Plan.of(study(codecs=codecs, methods=methods, rescore=rescore), [CORPUS, fewer])
    # pq: 2 top_k without a store and 2 with each of two; binary and binary-ivf lose 2 with the store pq.
    left_out = [(one.dataset, one.method, one.store, one.settings) for one in plan.left_out]
    assert left_out == [("few", "binary", "pq", 2), ("few", "binary-ivf", "pq", 2), ("few", "pq", None, 6)]
    assert {file.path for file in plan.files if "/pq" in file.path and "/few/" in file.path} == set()
    assert any("/both/given/stores/pq" in file.path for file in plan.files)
    assert f"settings   {2 * plan.axes['settings'] - 10} (" in "\n".join(plan.lines())
    said = " ".join("\n".join(plan.lines()).split())
    reason = "needs at least 256 training vectors to fit 256 centroids, got 255"
    assert f"left out rescoring by pq, pq: codec pq: {reason}" in said


def test_a_plan_is_the_same_after_it_has_been_written_and_read(tmp_path):
    from embquant.files.atomic import write_json

    words = "300 sampled: mean share 0.31; " + ", ".join(["and more"] * 9)
    plan = Plan.of(study(), [replace(CORPUS, vectors=words)])
    write_json(tmp_path / "plan.json", plan.to_dict())
    assert Plan.read(tmp_path / "plan.json") == plan
    lines = list(plan.lines())
    assert f" vectors {words} " in " ".join("\n".join(lines).split())
    assert max(map(len, lines)) <= 80


def test_prices_and_requirements_are_no_part_of_a_plan():
    assert planned_keys(study(requirements={"min_retention": 0.5})) == planned_keys(study())
    assert planned_keys(study(top_k=[5])) != planned_keys(study())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "about 1 s"), (34, "about 30 s"), (600, "about 10 min"), (7200, "about 2.0 h"), (4e5, "about 4.6 days")],
)
def test_times_are_told_as_roughly_as_they_are_known(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (28_506_801, "28.5 MB"), (4e15, "4,000 TB")])
def test_bytes_are_told_in_decimal_units(count, text):
    assert size(count) == text
