"""The process that fuzzed commands run in, and real files of every kind to start from."""

import pytest

from support.fuzz_files import Study
from support.fuzz_worker import Worker

WORKERS = pytest.StashKey[list]()


@pytest.fixture(scope="module")
def embquant(pytestconfig):
    """Run a command in a process of its own, and fail unless it ends well or refuses its input in one line."""
    worker = Worker()
    pytestconfig.stash.setdefault(WORKERS, []).append(worker)
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def plan(pytestconfig):
    """Load a configuration as the workflow does, and name all runs of the study."""
    worker = Worker("support.config_worker")
    pytestconfig.stash.setdefault(WORKERS, []).append(worker)
    yield worker
    worker.close()


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """Files of every kind that a step reads, small and whole; a test copies what it changes."""
    return Study(tmp_path_factory.mktemp("study"))


def pytest_terminal_summary(terminalreporter, config):
    """Say how many commands were run."""
    workers = config.stash.get(WORKERS, [])
    if workers:
        terminalreporter.write_line(f"fuzzed: {sum(worker.cases for worker in workers):,} cases")
