"""A process that runs commands of the library one after the other, within bounds of memory and time.

Run as a script it is the process itself: it reads one command a line from standard input and answers on one line.
A command that raises, is killed, hangs or takes too much memory breaks the promise that input is refused or understood.
"""

import contextlib
import io
import json
import logging
import os
import resource
import select
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 256 << 20
"""By how much a command may grow the process, for files of a few KiB."""

ADDRESS_SPACE = 2 << 30
"""What it may map beyond what the libraries take: where it wants more than that, it gets a MemoryError."""

SECONDS = 30
"""A command of a few milliseconds that takes longer than this hangs."""

LIBRARIES = (
    "pandas",  # which Arrow imports when it first needs it
    *(
        "embquant.steps.prepare_dataset",
        "embquant.steps.embed_corpus",
    ),
    *(
        "embquant.steps.prepare_model",
        "embquant.steps.embed_queries",
        "embquant.steps.evaluate_run",
        "embquant.steps.build_index",
        "embquant.steps.build_store",
    ),
    *(
        "embquant.steps.merge_candidates",
        "embquant.steps.define_method",
        "embquant.steps.search_index",
        "embquant.steps.search_part",
    ),
)


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit status, what it printed and the most memory it took beyond what was there."""

    status: int
    printed: str
    bytes: int


class Worker:
    """The process, started when it is needed and again where a command has ended it; ``cases`` counts commands."""

    def __init__(self, module: str = "support.fuzz_worker") -> None:
        self._command = (sys.executable, "-m", module)
        self._process = None
        self.cases = 0

    def __call__(self, *arguments: object) -> Outcome:
        """Run ``embquant`` with ``arguments``; fail unless it ends well or refuses its input in one line."""
        self.cases += 1
        answer = self._ask(list(map(str, arguments)))
        assert "traceback" not in answer, answer["traceback"]
        outcome = Outcome(**answer)
        errors = [line for line in outcome.printed.splitlines() if "embquant: error: " in line]
        assert (outcome.status, len(errors)) in ((0, 0), (2, 1)), outcome
        assert outcome.bytes < MOST_BYTES, f"{outcome.bytes >> 20} MiB"
        return outcome

    def _ask(self, request: object) -> dict:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            assert self._process.stdout.readline() == "ready\n"
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answered, _, _ = select.select([self._process.stdout], [], [], SECONDS)
        line = self._process.stdout.readline() if answered else ""
        if not line:
            status = self.close()
            raise AssertionError(f"killed by signal {-status}" if answered else f"no answer in {SECONDS} s")
        return json.loads(line)

    def close(self) -> int | None:
        """End the process; return its exit status if it had ended by itself."""
        if self._process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._process.kill()
        status = self._process.wait()
        self._process = None
        return status


def serve(call) -> None:
    """Answer each line of standard input, a JSON value, by what ``call`` does with it."""
    logging.basicConfig(handlers=[logging.NullHandler()])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ADDRESS_SPACE, resource.RLIM_INFINITY))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        Path("/proc/self/clear_refs").write_text("5")  # the peak is to be this command's
        before = memory("VmRSS")
        printed = io.StringIO()
        try:
            with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
                status = call(json.loads(line))
        except SystemExit as exit_:  # argparse's
            answer = {"traceback": f"exit {exit_.code}: {printed.getvalue()}"}
        except BaseException:
            answer = {"traceback": traceback.format_exc()}
        else:
            answer = {"status": status, "printed": printed.getvalue(), "bytes": memory("VmHWM") - before}
        print(json.dumps(answer), file=answers, flush=True)


def memory(field: str) -> int:
    """Return a figure of this process's memory in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    from importlib import import_module

    for library in LIBRARIES:
        import_module(library)
    from embquant.cli import main

    serve(main)
