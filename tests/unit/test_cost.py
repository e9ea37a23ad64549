"""Cost by hand: what a file of so many vectors takes, its price, and which methods none surpasses."""

import pandas as pd
import pytest

from embquant.report.measure import Measure, measures
from embquant.report.numbers.cost import COST, cost_table, pareto_settings, priced, with_pareto
from embquant.report.numbers.quality import decisive, pareto, with_quality
from support.report_tables import setting, study, summary


def of_one(row, vectors=None, beside=()):
    return priced(summary(row, *beside), study(), vectors).iloc[0]


def test_what_a_corpus_takes_is_what_its_files_take():
    own = of_one(setting("binary", "int8", 4), beside=[setting("int8")])
    assert (own["vectors"], own["memory_bytes"], own["disk_bytes"]) == (1000, 12_010, 12_010 + 100_010)


def test_a_scanned_file_grows_by_its_codes_and_its_header_stays():
    own = of_one(setting("binary", "int8", 4), 10**6, beside=[setting("int8")])
    assert (own["memory_bytes"], own["disk_bytes"]) == (12 * 10**6 + 10, 112 * 10**6 + 20)
    assert own["memory_bytes_per_vector"] == 12


def test_a_graph_grows_in_proportion():
    own = of_one(setting("graph"), 10**6)
    assert (own["memory_bytes_per_vector"], own["memory_bytes"]) == (200, 200 * 10**6)


def test_an_index_rescored_by_its_own_codes_lies_on_disk_once():
    assert of_one(setting("int8", "int8", 4))["disk_bytes"] == 100_010
    assert of_one(setting("graph", "int8", 4), beside=[setting("int8")])["disk_bytes"] == 300_010


def test_a_store_that_no_method_searches_grows_in_proportion():
    own = of_one(setting("binary", "int8", 4), 10**6)
    assert own["disk_bytes"] == 12 * 10**6 + 10 + 100_010_000


def test_a_gb_is_10_to_the_9_and_memory_lies_on_disk_as_well():
    assert of_one(setting("binary", index_file_bytes=12_000), 10**9)["usd_per_month"] == pytest.approx(12 * 4.5)
    rescored = setting("binary", "int8", 4, index_file_bytes=12_000, store_file_bytes=100_000)
    assert of_one(rescored, 10**9)["usd_per_month"] == pytest.approx(12 * 4.5 + 100 * 0.5)


def of_a_database(how, vectors=None):
    """What pgvector takes, searched in this way, beside a method that is no database."""
    build = {"codec": "float32", "index": "pgvector", "build": {"index": "hnsw"}, "search": how}
    sizes = {"index_file_bytes": 900_000, "originals_bytes": 450_000, "searched_bytes": 300_000}
    rows = summary({**setting("float32"), "method": "postgres", **sizes}, setting("int8"))
    of_int8, alone = priced(rows, study({"postgres": build}), vectors).iloc[1], of_one(setting("int8"), vectors)
    assert of_int8.to_dict() == alone.to_dict()
    return priced(rows, study({"postgres": build}), vectors).iloc[0]


def test_of_a_database_what_a_search_looks_through_is_in_memory_and_all_files_are_on_disk():
    own = of_a_database({})
    assert (own["memory_bytes_per_vector"], own["memory_bytes"], own["disk_bytes"]) == (300, 300_000, 900_000)
    assert own["usd_per_month"] == pytest.approx((300_000 * 4 + 900_000 * 0.5) / 10**9)
    larger = of_a_database({}, 10**6)
    assert (larger["memory_bytes"], larger["disk_bytes"]) == (300 * 10**6, 750 * 10**6 + 150_000)  # logs don't grow


def test_originals_that_a_database_scans_are_in_memory_as_well():
    own = of_a_database({"exact": True})
    assert (own["memory_bytes_per_vector"], own["memory_bytes"], own["disk_bytes"]) == (750, 750_000, 900_000)


def test_a_row_for_each_method_store_and_size():
    cost = cost_table(summary(setting("float32"), setting("binary", kept=0.8), setting("binary", "int8", 4)), study())
    assert list(cost.columns) == COST
    sizes = [1000, 10**6, 10**7, 10**8, 10**9]
    assert cost["vectors"].tolist() == sizes * 3
    assert not cost.duplicated(["method", "rescore_store", "vectors"]).any()


def test_throughput_is_that_of_a_core_and_only_where_it_was_measured():
    cost = cost_table(summary(setting("float32")), study())
    assert cost["queries_per_second_per_core"].tolist()[0] == 50
    assert cost["queries_per_second_per_core"].isna().tolist() == [False, True, True, True, True]


def test_the_size_of_the_requirements_is_among_them_and_none_twice():
    cost = cost_table(summary(setting("float32")), study(vectors=5 * 10**6))
    assert cost["vectors"].tolist() == [1000, 10**6, 5 * 10**6, 10**7, 10**8, 10**9]
    assert len(cost_table(summary(setting("float32")), study(vectors=10**6))) == 5
    assert len(cost_table(summary(setting("float32", vectors=10**6)), study())) == 4


def test_quality_and_throughput_are_those_of_the_multiplier_that_the_summary_shows():
    rows = [setting("binary", "int8", 2, kept=0.9), setting("binary", "int8", 4, kept=0.95, queries_per_second=20)]
    first = cost_table(summary(*rows), study()).iloc[0]
    assert (first["rescore_multiplier"], first["kept"], first["queries_per_second_per_core"]) == (4, 0.95, 10)


def test_none_costs_less_and_is_better():
    cost, quality = pd.Series([48, 48, 384, 1536, 1]), pd.Series([0.9, 0.8, 1.0, 1.0, None])
    assert pareto(cost, quality).tolist() == [True, False, True, False, False]


def test_equals_do_not_surpass_each_other():
    assert pareto(pd.Series([1, 1]), pd.Series([0.9, 0.9])).tolist() == [True, True]


def test_settings_are_marked_among_those_of_the_same_dataset_and_depth():
    rows = [setting("float32"), setting("int8", kept=0.9), setting("graph", kept=0.9)]
    other = [setting("graph", kept=0.9, dataset="b"), setting("graph", kept=0.9, top_k=100)]
    marks = pareto_settings(summary(*rows, *other), study())
    assert marks["pareto"].tolist() == [True, True, False, True, True]


def test_a_method_is_marked_where_any_of_its_settings_is():
    rows = summary(setting("binary", "int8", 2, kept=0.9), setting("binary", "int8", 4), setting("int8", kept=0.8))
    memory = rows[["dataset", "model", "method", "rescore_store"]].drop_duplicates()
    assert with_pareto(memory, pareto_settings(rows, study()))["pareto"].tolist() == [True, False]


def test_judged_quality_comes_before_agreement_and_overlap_before_rbo():
    table = pd.DataFrame(columns=["rbo", "overlap@10", "retention_nDCG@10", "retention_nDCG@10_low", "retention_R@10"])
    found = measures(table.columns)
    assert [measure.column for measure in found] == ["retention_nDCG@10", "retention_R@10", "overlap@10", "rbo"]
    assert [measure.metric for measure in found] == ["nDCG@10", "R@10", "overlap@10", "rbo"]
    assert [measure.kind for measure in found] == ["retention", "retention", "agreement", "agreement"]
    assert found[:1] == [Measure.of_metric("nDCG@10")]
    assert Measure.of_metric("index_overlap") is None


def test_without_an_interval_the_value_is_its_own_bound():
    rows = with_quality(summary(setting("int8", kept=0.9, low=0.8), setting("int8", kept=None)))
    assert rows["measure"].tolist() == ["retention_nDCG@10", "overlap@10"]
    assert rows["kept"].tolist() == [0.9, 0.5]
    assert rows["kept_low"].tolist() == [0.8, 0.5]


def test_decisive_is_the_least_depth_at_which_the_first_measure_has_a_value():
    rows = summary(setting("int8", top_k=3, kept=None), setting("int8"), setting("int8", top_k=100))
    assert decisive(with_quality(rows))["top_k"].tolist() == [10]
