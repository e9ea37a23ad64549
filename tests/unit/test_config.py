"""A configuration: its defaults, its sweeps, and what is wrong with it in one line, found without starting anything."""

import json
from pathlib import Path

import pytest
from pydantic import Field

from embquant.datasets.spec import SOURCES, DatasetSpec
from embquant.errors import InputError
from embquant.study.config import Configuration

REPOSITORY = Path(__file__).parents[2]
CONFIGS = [REPOSITORY / "config.yaml", *sorted(REPOSITORY.glob("config/*.yaml"))]
INJECTION = "'; touch pwned; \" $(touch pwned) `touch pwned` && touch pwned | tee pwned > pwned\\"


def study(**changes):
    codecs = {family: {"family": family} for family in ("float32", "binary", "int8")}
    methods = {
        "float32": {"codec": "float32", "index": "flat"},
        "binary": {"codec": "binary", "index": "flat"},
        "int8-hnsw": {"codec": "int8", "index": "hnsw"},
    }
    datasets = {"facts": {"source": "files", "path": "input"}}
    models = {"minilm": {"max_length": 64}}
    base = {"study": "small", "datasets": datasets, "models": models, "codecs": codecs, "methods": methods}
    return {**base, **changes}


def with_method(**keys):
    return {"methods": {**study()["methods"], "binary": {"codec": "binary", "index": "flat", **keys}}}


def with_hnsw(**keys):
    return {"methods": {**study()["methods"], "int8-hnsw": {"codec": "int8", "index": "hnsw", **keys}}}


def with_int8(**keys):
    return {"codecs": {**study()["codecs"], "int8": {"family": "int8", **keys}}}


def refused(values, name="study.yaml"):
    """Return what is wrong with a configuration, without its name."""
    with pytest.raises(InputError) as error:
        Configuration.read(values, name)
    message = str(error.value)
    assert message.startswith(f"{name}: ")
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"{name}: ")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"top_kk": [10]}, "unknown key 'top_kk'; did you mean 'top_k'? (valid: study, datasets,"),
        ({"rescore": {"multiplyers": [4]}}, "rescore: unknown key 'multiplyers'; did you mean 'multipliers'"),
        ({"statistics": {"resample": 5000}}, "statistics: unknown key 'resample'; did you mean 'resamples'"),
        (with_method(indx="flat"), "methods.binary: unknown key 'indx'; did you mean 'index'"),
        (with_method(built="float32"), "methods.binary: unknown key 'built'"),
        (with_method(index_name="float32"), "methods.binary: unknown key 'index_name'"),
        (with_method(codec="binay"), "methods.binary.codec: 'binay' is not defined; did you mean 'binary'"),
        (with_method(index="hsnw"), "methods.binary: there is no index 'hsnw' for binary codes; did you mean 'hnsw'"),
        (with_hnsw(index="ivf"), "methods.int8-hnsw: there is no index 'ivf' for int8 codes (valid: flat, hnsw)"),
        (
            with_hnsw(search={"expansion_search": []}),
            "methods.int8-hnsw.search: expansion_search is [], expected at least one",
        ),
        (
            with_hnsw(search={"expansion_search": [8, 8]}),
            "methods.int8-hnsw: there is another method 'int8-hnsw-expansion-search-8'",
        ),
        (
            with_hnsw(search={"expansion_search": [8, "x"]}),
            "methods.int8-hnsw.search: expansion_search is 'x', expected a whole number",
        ),
        (with_hnsw(search=5), "methods.int8-hnsw: search is 5, expected a mapping"),
        (with_int8(transform="rotatoin"), "codecs.int8: transform 'rotatoin' is not known; did you mean 'rotation'"),
        (with_int8(transform=["center", {"kind": "pca", "dims": 9}]), "unknown key 'dims'; did you mean 'dim'"),
        (with_int8(transform=["center", {"dim": 9}]), "transform is {'dim': 9}, expected the name of a kind"),
        (with_int8(family="rabitq", bits=9), "codecs.int8: bits is 9, expected 1 to 8"),
        (with_int8(family="int7"), "codecs.int8: codec 'int7' is not known; did you mean 'int8'"),
        (with_int8(family=7), "codecs.int8: family is 7, expected one of float32, float16"),
        (with_int8(calibraton=9), "unknown key 'calibraton'; did you mean 'calibration'"),
        (with_int8(calibration=True), "calibration is True, expected"),
        ({"codecs": {"none": {"family": "int8"}, **study()["codecs"]}}, "codecs: a codec can't be called 'none'"),
        ({"codecs": {"int8": "int8"}}, "codecs.int8: expected a mapping, not 'int8'"),
        (
            with_method(index="hnsw", scoring="asymmetric"),
            "methods.binary: a hnsw index of binary codes has only the scoring symmetric",
        ),
        (
            with_method(index="fastscan", scoring="symmetric"),
            "methods.binary: a fastscan index of binary codes has only the scoring asymmetric",
        ),
        (with_method(scoring="exact"), "methods.binary: scoring is 'exact', expected 'symmetric' or 'asymmetric'"),
        (with_hnsw(search={"expansion_serach": 5}), "methods.int8-hnsw.search: unknown key 'expansion_serach'"),
        (with_hnsw(build={"connectivity": 0}), "methods.int8-hnsw.build: connectivity"),
        ({"timing": {"threads": "al"}}, "timing: threads is 'al', expected a number of threads, or all"),
        ({"timing": {"threads": 0}}, "timing: threads is 0, expected a number of threads, or all"),
        ({"timing": {"threads": True}}, "timing: threads is True, expected a number of threads, or all"),
        (
            {"datasets": {"p": {"source": "pooled", "datasets": ["p"]}}},
            "datasets.p: the members of a pooled dataset can't be pooled themselves",
        ),
        (
            {"datasets": {**study()["datasets"], "p": {"source": "pooled", "datasets": ["fact"]}}},
            "datasets.p.datasets: 'fact' is not defined; did you mean 'facts'",
        ),
        ({"top_k": 10}, "top_k is 10, expected a list of"),
        ({"top_k": []}, "top_k is [], expected at least one"),
        ({"top_k": [10, 10]}, "top_k: 10 is listed twice"),
        ({"requirements": {"min_retention": 99}}, "requirements: min_retention is 99, expected 0 to 1"),
        ({"top_k": [0]}, "top_k[0] is 0, expected 1 or more"),
        ({"top_k": [10, 2.5]}, "top_k[1] is 2.5, expected a whole number (1 or more)"),
        ({"datasets": []}, "datasets is [], expected a mapping"),
        ({"datasets": {}}, "datasets is {}, expected at least one"),
        ({"rescore": {"multipliers": [0]}}, "rescore: multipliers[0] is 0, expected 1 or more"),
        ({"rescore": {"stores": ["int4"]}}, "rescore.stores: 'int4' is not defined; did you mean 'int8'"),
        ({"rescore": None}, "rescore is None, expected a mapping with stores, multipliers"),
        ({"datasets": {"facts": {"source": "fils", "path": "input"}}}, "'fils' is not known; did you mean 'files'"),
        ({"datasets": {"facts": {"source": "files", "pth": "input"}}}, "datasets.facts: unknown key 'pth'; did you"),
        (
            {"datasets": {"facts": {"source": "files", "path": "x", "columns": {"corpus": {"txt": "x"}}}}},
            "datasets.facts.columns.corpus: unknown field 'txt'; did you mean 'text'?",
        ),
        (
            {"datasets": {"reports": {"source": "files", "path": "input"}}},
            "datasets: a dataset can't be called 'report",
        ),
        ({"datasets": {"all": {"source": "files", "path": "input"}}}, "datasets: a dataset can't be called 'all'"),
        (
            {"datasets": {"../x": {"source": "files", "path": "input"}}},
            "datasets: the name is '../x', expected a name of lower-case letters, digits and hyphens",
        ),
        ({"datasets": {1: {"source": "files"}}}, "datasets: the name is 1, expected a name of lower-case letters"),
        ({"evaluate": ["fact"]}, "evaluate: 'fact' is not defined; did you mean 'facts'"),
        ({"models": {"minilm": {"nme": "x"}}}, "models.minilm: unknown key 'nme'; did you mean 'name'"),
        ({"models": {"minilm": {"type": "other"}}}, "models.minilm: model type 'other' is not known (valid:"),
        ({"models": {"minilm": {"type": "precomputed"}}}, "models.minilm: the key 'corpus' is missing"),
        ({"metrics": ["nDCG@10", "ndgc@10"]}, "metrics[1]: metric 'ndgc@10' is not known; did you mean 'nDCG@10'"),
        ({"baseline": "int8-hnsw"}, "baseline: 'int8-hnsw' is not a float32 codec with a flat index"),
        ({"baseline": "float31"}, "baseline: 'float31' is not defined; did you mean 'float32'"),
        ({"parts": "many"}, "parts is 'many', expected a whole number (1 to 999)"),
        ({"parts": 1000}, "parts is 1000, expected 1 to 999"),
        ({"parts": True}, "parts is True, expected a whole number (1 to 999)"),
        ({"disk_gb": -1}, "disk_gb is -1, expected 0 or more"),
        ({"disk_gb": float("nan")}, "disk_gb is nan, expected a number (0 or more) or null"),
        ({"requirements": {"min_retension": 0.9}}, "requirements: unknown key 'min_retension'; did you mean 'min_ret"),
        (
            {"requirements": {"max_latency_p95_ms": "fast"}},
            "requirements: max_latency_p95_ms is 'fast', expected a numb",
        ),
        ({"requirements": {"max_usd_per_month": 0}}, "requirements: max_usd_per_month is 0, expected more than 0"),
        ({"prices": {"memory": {"usd_per_gb_month": 5}}}, "prices.memory: the key 'source' is missing"),
        ({"study": 2024}, "study is 2024, expected a name of lower-case letters, digits and hyphens"),
        ({"search": {"by": "parts"}}, "search: by is 'parts', expected 'index' or 'part'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_told_in_one_line(changes, message):
    assert message in refused(study(**changes))


def test_missing_keys_are_named_after_unknown_ones():
    assert refused({"study": "x"}) == "the key 'datasets' is missing"
    assert refused({"stduy": "x"}).startswith("unknown key 'stduy'; did you mean 'study'?")
    assert refused(["study"]) == "expected a mapping, not ['study']"


@pytest.mark.parametrize(
    "changes",
    [
        {"study": INJECTION},
        {"study": "../../x"},
        {"study": "x\n"},
        {"datasets": {"a/b": {"source": "files", "path": "input"}}},
        {"datasets": {"*": {"source": "files", "path": "input"}}},
        {"models": {"{dataset}": {}}},
        {"codecs": {**study()["codecs"], "$(touch pwned)": {"family": "int8"}}},
        {"methods": {**study()["methods"], "..": {"codec": "int8", "index": "flat"}}},
        {"methods": {**study()["methods"], "x": {"codec": "int8", "index": INJECTION}}},
        {"methods": {**study()["methods"], "x": {"codec": "int8", "index": "flat", "scoring": INJECTION}}},
        with_hnsw(search={"expansion_search": [INJECTION]}),
        {"metrics": [INJECTION]},
        {"timing": {"threads": INJECTION}},
        {"rescore": {"stores": [INJECTION]}},
        {"evaluate": [INJECTION]},
        {"baseline": INJECTION},
        {"search": {"by": INJECTION}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_names_that_would_leave_the_study_s_folders_or_reach_a_shell_are_refused(changes):
    assert refused(study(**changes))


def test_defaults_are_filled_in_and_entries_stay_as_they_were_written():
    given = study(requirements={"max_bytes_per_vector": 400}, prices={"disk": {"usd_per_gb_month": 1, "source": "me"}})
    values = Configuration.read(given).to_dict()
    assert {key: values[key] for key in ("datasets", "models", "codecs", "study")} == {
        key: given[key] for key in ("datasets", "models", "codecs", "study")
    }
    assert values["methods"] == {
        name: {"build": {}, "search": {}, **method} for name, method in study()["methods"].items()
    }
    assert json.dumps(values["requirements"]) == '{"min_retention": 0.99, "max_bytes_per_vector": 400}'
    assert json.dumps(values["prices"]["disk"]) == '{"usd_per_gb_month": 1, "source": "me"}'
    assert values["prices"]["memory"]["usd_per_gb_month"] == 3.8
    assert {key: values[key] for key in ("parts", "baseline", "top_k", "rescore", "search", "worst_queries")} == {
        "parts": 4,
        "baseline": "float32",
        "top_k": [10, 100],
        "rescore": {"stores": [], "multipliers": [4]},
        "search": {"by": "index"},
        "worst_queries": 10,
    }
    assert values["statistics"] == {"confidence": 0.95, "resamples": 10000, "seed": 0}
    assert values["timing"] == {"threads": "all", "rounds": 6, "single_queries": 20, "precision": 0.03, "seconds": 0.2}
    assert "evaluate" not in values
    assert "disk_gb" not in values
    assert Configuration.read(values).to_dict() == values


def test_a_list_of_search_parameters_makes_methods_that_share_an_index():
    config = Configuration.read(study(**with_hnsw(search={"expansion_search": [16, 64]})))
    swept = {name: method for name, method in config.methods.items() if method.index == "hnsw"}
    assert {name: method.search["expansion_search"] for name, method in swept.items()} == {
        "int8-hnsw-expansion-search-16": 16,
        "int8-hnsw-expansion-search-64": 64,
    }
    assert {method.index_name for method in swept.values()} == {"int8-hnsw"}
    assert config.methods["binary"].index_name == "binary"
    assert list(config.methods) == ["float32", "binary", *swept]


def test_kinds_of_other_packages_are_valid_and_their_keys_are_checked(monkeypatch):
    class Mine(DatasetSpec):
        wish: int = Field(ge=1)

        def open(self, pool):
            return pool

    monkeypatch.setitem(SOURCES._loaded, "mine", Mine)
    config = Configuration.read(study(datasets={"facts": {"source": "mine", "wish": 3}}))
    assert config.datasets["facts"].wish == 3
    assert config.to_dict()["datasets"] == {"facts": {"source": "mine", "wish": 3}}
    assert refused(study(datasets={"facts": {"source": "mine", "wihs": 3}})) == (
        "datasets.facts: unknown key 'wihs'; did you mean 'wish'? (valid: source, wish)"
    )


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_the_project_s_own_studies_are_valid(path):
    assert Configuration.load(path).to_dict()["study"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty, expected the keys of a study"),
        (b"# nothing\n", "empty, expected the keys of a study"),
        (b"- a list", "expected a mapping of keys to values, found a list"),
        (b"study", "expected a mapping of keys to values, found a str"),
        (b"study: [unclosed", "line 1: expected ',' or ']'"),
        (b"study: \xff", "not UTF-8 text"),
        (b"study: x\nparts: 1\nstudy: y\n", "line 3: the key 'study' stands twice"),
        (b"study: x\ntiming: {rounds: 1, rounds: 2}\n", "line 2: the key 'rounds' stands twice"),
        (b"study: 2024-99-99\n", "not YAML (month must be in 1..12)"),
        (b"study: \x00", "unacceptable character"),
        (b"[" * 10_000, "not YAML (maximum recursion depth exceeded"),
    ],
)
def test_a_file_that_is_no_configuration_is_told_in_one_line(tmp_path, content, message):
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        Configuration.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        Configuration.load(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="can't be read"):
        Configuration.load(tmp_path)


def test_merged_mappings_may_change_what_they_merge(tmp_path):
    path = tmp_path / "study.yaml"
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n"
    path.write_text(text)
    with pytest.raises(InputError, match="unknown key 'a'"):  # not: a key that stands twice
        Configuration.load(path)
