# What the plan of a study is made of, and how a run begins with it: functions, as in common.smk.
from collections import Counter

from embquant.files.atomic import read_json
from embquant.study.remaining import check_disk, lines


def outline():
    """Return what the plan of the study depends on, beside datasets and models: codecs, methods and settings."""
    methods = {
        name: {
            "codec": spec["codec"],
            "index": spec["index"],
            "built": spec["built"],
            "scoring": scoring(name),
            "stores": rescore_stores(name),
            "depths": searched_depths(name),
            "build": spec["build"],
            "search": spec["search"],
        }
        for name, spec in config["methods"].items()
    }
    codecs = {codec for method in methods.values() for codec in [method["codec"], *method["stores"]]}
    return {
        "study": config["study"],
        "runs": f"{REPORTS}/runs",
        "calibrations": expand(CALIBRATION, dataset=evaluated(), model=config["models"]),
        "parts": config["parts"],
        "codecs": {name: config["codecs"][name] for name in sorted(codecs)},
        "methods": methods,
        "multipliers": config["rescore"]["multipliers"],
        "top_k": config["top_k"],
        "metrics": len(config["metrics"]),
        "rounds": config["timing"]["rounds"],
        "single_queries": config["timing"]["single_queries"],
        "disk_gb": config.get("disk_gb"),
    }


def opening():
    """Return what a run begins with: how much of the study is to be done, and its plan, if that isn't made first.

    Where the disk can't hold what is left of it, the run ends here.
    """
    needed, jobs = (
        Counter(job.rule.name for job in some if job.rule.name != "all")
        for some in (workflow.dag.needrun_jobs(), workflow.dag.jobs)
    )
    study = f"Study {config['study']} ({config_name()})"
    opened = [f"{study}: {needed.total():,} of {jobs.total():,} jobs to run, the others are done"]
    plan = Path(REPORTS, "plan.json")
    if plan.exists() and not needed["plan_study"]:
        try:
            known = read_json(plan, noted=False)
            check_disk(known)
        except InputError as error:
            raise WorkflowError(f"embquant: error: {error}") from None
        opened += lines(known, needed)
    return opened


def closing():
    """Return what a run ends with: the settings, where the reports and the page lie, and the verdict last."""
    text = Path(REPORTS, "summary.txt").read_text(encoding="utf-8").rstrip()
    reports, verdict = text.rsplit("\n\n", 1)
    return f"{reports}\n{REPORTS}/report.html\n\n{verdict}"
