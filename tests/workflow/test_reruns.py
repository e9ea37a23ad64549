"""What a change of the study, of its input or of the code makes run again, and what comes out then."""

import re

import pandas as pd
import pytest

from support.small_study import TABLES_ALONE, report, study

pytestmark = pytest.mark.workflow


def test_other_requirements_rerun_the_joining_of_reports_alone(changed):
    changed.configure(requirements={"max_latency_p95_ms": 1e-6, "vectors": 10**6})
    assert changed.jobs() == {"join_reports": 1, "write_report": 1}
    status, output = changed.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    assert "none of 18 settings meets the requirements" in output
    assert "max_latency_p95_ms to " in report(changed, "recommendation")["relax"][0]


def test_second_run_has_nothing_to_do(changed):
    status, output = changed.snakemake("--configfile", "study.yaml")
    assert status == 0
    assert "Nothing to be done" in output


def test_in_another_number_of_parts_all_figures_are_the_same_to_four_decimals(finished, changed):
    """Not to the byte: a text is embedded beside others then, and its float32 sums differ in their last bits."""
    changed.configure(parts=5)
    status, output = changed.snakemake("--configfile", "study.yaml", *TABLES_ALONE)
    assert status == 0, output
    for name in ("retrieval", "macro", "memory"):
        pd.testing.assert_frame_equal(report(finished, name), report(changed, name), rtol=0, atol=5e-5)


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        # A configuration names metrics, so that a study is planned again as well.
        (
            "measure/metrics.py",
            {"plan_study", "search_bm25", "evaluate_run", "explain_losses", "join_reports", "write_report"},
        ),
        ("retrieve/bm25.py", {"search_bm25", "join_reports", "write_report"}),
        ("report/numbers/lost.py", {"explain_losses", "join_reports", "write_report"}),
        ("report/show/summary.py", {"join_reports", "write_report"}),
        ("report/show/page/page.css", {"write_report"}),
        ("measure/speed.py", {"time_search", "join_reports", "write_report"}),
        ("measure/memory.py", {"measure_memory", "join_reports", "write_report"}),
        ("indexes/hnsw.py", None),
    ],
)
def test_editing_a_module_reruns_the_stages_that_use_it_and_no_others(changed, module, rules):
    file = changed.folder / "src" / "embquant" / module
    file.write_text(file.read_text() + "# an edit\n")
    jobs = changed.jobs()
    if rules is None:  # the only index that uses it belongs to one method
        assert jobs["build_index"] == jobs["search_index"] == jobs["evaluate_run"] == jobs["time_search"] == 1
        assert not {"embed_corpus", "build_store"} & set(jobs)
    else:
        assert set(jobs) == rules


MEASURED_AGAIN = {"search_index", "evaluate_run", "time_search", "time_embedding", "measure_memory"}
REPORTED_AGAIN = {"explain_losses", "join_reports", "write_report"}


@pytest.mark.parametrize(
    ("prompt", "embedded"),
    [
        ("query_prompt", {"embed_queries"}),
        ("document_prompt", {"embed_corpus", "place_embeddings", "build_store", "build_index"}),
    ],
)
def test_another_prompt_embeds_what_it_is_for_and_nothing_else(changed, prompt, embedded):
    changed.configure(models={"minilm": {**study()["models"]["minilm"], prompt: "passage: "}})
    assert set(changed.jobs()) - {"define_method"} == embedded | MEASURED_AGAIN | REPORTED_AGAIN


def test_changing_one_method_reruns_only_that_method(changed):
    methods = study()["methods"]
    methods["binary"]["scoring"] = "asymmetric"
    changed.configure(methods=methods)
    measured = ("define_method", "search_index", "evaluate_run", "time_search", "measure_memory")
    reported = ("explain_losses", "join_reports", "write_report")
    assert changed.jobs() == dict.fromkeys(("plan_study", *measured, *reported), 1)


def test_an_approximate_index_is_measured_again_without_an_exact_scan_of_its_codes(changed):
    methods = study()["methods"]
    methods["int8"]["scoring"] = "symmetric"
    changed.configure(methods=methods)
    assert changed.jobs()["evaluate_run"] == 2


def test_a_list_of_search_parameters_makes_methods_that_share_one_index(changed):
    ivf = {"codec": "float32", "index": "ivf", "search": {"nprobe": [1, 4]}}
    graph = {"codec": "int8", "index": "hnsw", "search": {"expansion_search": 32}}
    changed.configure(methods={**study()["methods"], "ivf": ivf, "graph": graph})
    status, output = changed.snakemake("--configfile", "study.yaml", "--dry-run")
    assert status == 0, output
    searched = re.findall(r": searching (\S+)", output)
    assert sorted(searched) == ["graph", "ivf-nprobe-1", "ivf-nprobe-4"]
    assert sorted(re.findall(r": building the index (\S+)", output)) == ["graph", "ivf"]
    assert changed.jobs()["define_method"] == 3


def test_another_study_shares_embeddings_and_codes(changed):
    changed.configure(study="other", top_k=[5])
    jobs = changed.jobs()
    measured = {"search_index", "search_bm25", "evaluate_run", "time_search", "time_embedding", "measure_memory"}
    assert set(jobs) == {*measured, "plan_study", "explain_losses", "join_reports", "write_report"}


def test_a_study_of_another_dataset_leaves_the_models_of_this_one_alone(changed):
    changed.configure(study="other", datasets={"stdlib": {"source": "python-stdlib"}})
    assert "prepare_model" not in changed.jobs()


def test_a_dataset_defined_otherwise_is_built_again(changed):
    changed.configure(datasets={"facts": {"source": "files", "path": "input", "max_queries": 3}})
    assert {"prepare_dataset", "embed_queries", "search_index"} <= set(changed.jobs())


def test_an_edited_input_file_is_read_again(changed):
    with (changed.folder / "input" / "queries.jsonl").open("a") as file:
        file.write('{"_id": "q99", "text": "a query without a relevant document"}\n')
    assert "prepare_dataset" in changed.jobs()


def test_searched_part_by_part_the_study_gives_the_same_bytes(finished, changed):
    changed.configure(search={"by": "part"})
    planned = changed.jobs()
    assert (planned["search_part"], planned["merge_candidates"]) == (3 * 2, 3)  # flat methods, in two parts
    assert not {"search_index", "build_store"} & set(planned)  # the graph stays as it was searched
    status, output = changed.snakemake("--configfile", "study.yaml")
    assert status == 0, output
    for name in ("retrieval.csv", "significance.csv", "macro.csv", "memory.csv"):
        written = [own.folder.joinpath("results", "reports", "small", name) for own in (finished, changed)]
        assert written[0].read_bytes() == written[1].read_bytes(), name
    runs = changed.folder / "results" / "reports" / "small" / "runs" / "facts" / "minilm"
    assert not list(runs.glob("*/candidates-*")), "what parts found is temporary"
    status, output = changed.embquant("verify", "results")
    assert status == 0, output
