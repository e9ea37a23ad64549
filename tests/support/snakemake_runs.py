"""Runs of Snakemake, each in a process of its own that is forked from one that has imported Snakemake.

A run is what ``python -m snakemake`` is, but for the second of processor time that its imports take.
"""

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from tempfile import TemporaryFile


def run_snakemake(arguments, folder, variables):
    """Run Snakemake in a folder, with these environment variables; return its exit status and everything it printed."""
    runs = _process()
    runs.stdin.write(json.dumps([arguments, str(folder), variables]) + "\n")
    runs.stdin.flush()
    status, printed = json.loads(runs.stdout.readline())
    return status, printed


@cache
def _process():
    """Start the process that runs are forked from; it ends with this one."""
    command = [sys.executable, "-P", __file__]  # -P: the modules beside this one are none of Snakemake's
    process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(process.communicate)
    return process


def _be_python(folder, variables, output):
    """Make of this process one that was started in a folder, with variables, and prints to a file."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:0] = [folder, *variables["PYTHONPATH"].split(os.pathsep)]


def _main():
    """Run what is asked for, line by line."""
    from snakemake import cli

    for line in sys.stdin:
        arguments, folder, variables = json.loads(line)
        with TemporaryFile("w+", encoding="utf-8") as output:
            child = os.fork()
            if child == 0:
                _be_python(folder, variables, output.fileno())
                sys.argv[1:] = arguments
                cli.main()
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            output.seek(0)
            print(json.dumps([status, output.read()]), flush=True)


if __name__ == "__main__":
    _main()
