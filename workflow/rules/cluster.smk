# What can be said of a cluster before any job is sent to it.
import shutil
import subprocess


def check_cluster():
    """Check that Slurm can be reached where it is to run the jobs; if it can't, the run ends here, in one line."""
    if workflow.executor_plugin.name != "slurm":
        return
    if not (shutil.which("sbatch") and shutil.which("sinfo")):
        raise unreachable("there is no sbatch here; run this on a login node of the cluster, or without PROFILE=")
    try:
        subprocess.run(["sinfo", "--noheader"], check=True, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        raise unreachable("sinfo has not answered for a minute") from None
    except subprocess.CalledProcessError as error:
        raise unreachable(f"it does not answer ({last_line(error.stderr)})") from None


def last_line(text):
    """Return the last line of what a program said."""
    return next(reversed(text.strip().splitlines()), "it says nothing")


def unreachable(why):
    """Return the error of a cluster that can't take jobs."""
    return WorkflowError(f"embquant: error: the profile sends jobs to Slurm, but {why}")
