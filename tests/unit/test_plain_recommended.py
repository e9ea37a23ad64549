"""Which Python without this library a recommendation has."""

from embquant.files.atomic import read_json, write_json
from embquant.report.numbers.measurements import Measurements
from embquant.report.reports import Reports
from embquant.study.study import Study
from support.made_up_study import write_study


def with_code(run):
    """Let all that was timed of a run have the code of its dataset."""
    timed = read_json(run / "speed.json")
    for setting in timed["settings"]:
        setting |= {"plain_code": f"code for {run.parts[-3]}", "plain_latency_p50_ms": 1.0}
    write_json(run / "speed.json", timed)


def test_the_code_is_that_of_the_dataset_that_a_recommendation_is_for(tmp_path):
    folder = write_study(tmp_path, datasets=("facts", "more"))
    config = Reports.read(folder).provenance["config"]
    runs = [folder / "runs" / name / "minilm" / method for name in ("facts", "more") for method in config["methods"]]
    for run in runs:
        with_code(run)
    found = Measurements(runs, [], [], Study.read(config), "results").recommendations
    codes = {one.dataset: one.plain["plain_code"] for one in found}
    assert codes == {"all": "code for facts", "facts": "code for facts", "more": "code for more"}
