# The functions that are called before the first job of a run and after its last.
from collections import Counter

from snakemake.logging import logger

from embquant.files.atomic import remove_leftovers
from embquant.files.running import RunFolder, check_slurm
from embquant.study.layout import RESULTS
from embquant.study.plan import Plan, planned_keys


def unlock_after_a_kill():
    """Remove the locks of a killed Snakemake; if a run is alive, warn which one it is."""
    folder = RunFolder()
    if workflow.is_main_process and not folder.unlock_if_dead():
        logger.warning(f"embquant: {folder.holder()}")


def hold_folder():
    """Lock the folder for this run, or end the run; remove half-written files of killed jobs."""
    with mistakes_in_one_line():
        RunFolder().hold(STUDY.name, PROFILE)
    if workflow.executor_plugin.common_settings.local_exec:  # jobs on a cluster may still write for a killed run
        remove_leftovers(Path(RESULTS))


def check_cluster():
    """If Slurm runs the jobs, check that it can be reached; if it can't, the run ends here."""
    if workflow.executor_plugin.name == "slurm":
        with mistakes_in_one_line():
            check_slurm()


def opening():
    """Yield the first lines of a run: how many jobs are left and, of a study that is continued, its plan.

    If the disk can't hold the rest of the study, the run ends here.
    """
    needed, jobs = (
        Counter(job.rule.name for job in some if job.rule.name != "all")
        for some in (workflow.dag.needrun_jobs(), workflow.dag.jobs)
    )
    study = f"Study {STUDY.name} ({config_name()})"
    yield f"{study}: {needed.total():,} of {jobs.total():,} jobs to run, the others are done"
    path = Path(LAYOUT.report("plan.json"))
    if path.exists() and not needed["plan_study"]:
        with mistakes_in_one_line():
            plan = Plan.read(path)
            plan.check_disk()
        yield from plan.lines()


def closing():
    """Return the last lines of a run: the settings, the paths of the reports and of the page, and the verdict."""
    text = Path(LAYOUT.report("summary.txt")).read_text(encoding="utf-8").rstrip()
    reports, verdict = text.rsplit("\n\n", 1)
    return f"{reports}\n{LAYOUT.report('report.html')}\n\n{verdict}"
