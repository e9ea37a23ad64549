"""What is done to runs here is real: processes are killed, disks filled, file systems mounted. It takes root."""

import os
import random
import shutil

import pytest

from support.runs import Study
from support.small_study import new_checkout


def pytest_addoption(parser):
    parser.addoption("--short", action="store_true", help="under five minutes on an idle machine, not sixty")
    parser.addoption("--seed", type=int, default=0, help="of moments, places and stages (default 0)")


def pytest_configure(config):
    config.addinivalue_line("markers", "cases: a list of cases, of which the short form takes a few, by the seed")
    config.addinivalue_line("markers", "long: not of the short form")
    if os.geteuid() != 0:
        pytest.exit("make chaos mounts file systems and takes the network away: run it as root", returncode=2)


def pytest_collection_modifyitems(config, items):
    """Leave those marked as long out of the short form."""
    if config.getoption("short"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_generate_tests(metafunc):
    """The short form takes, of a test's cases, as many as its mark says, drawn by the seed."""
    mark = metafunc.definition.get_closest_marker("cases")
    if mark is not None:
        (name, cases), few = mark.args, mark.kwargs["short"]
        if metafunc.config.getoption("short"):
            cases = random.Random(metafunc.config.getoption("seed")).sample(cases, few)
        metafunc.parametrize(name, cases, ids=str)


@pytest.fixture
def chance(request):
    """Draws moments and places: by the seed and the test's own name, so that each test can be repeated alone."""
    return random.Random(f"{request.config.getoption('seed')} {request.node.name}")


@pytest.fixture(scope="session")
def short(request):
    return request.config.getoption("short")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """A study that ran from start to end, whose reports all others must have; nothing in it is to be changed."""
    study = Study(new_checkout(tmp_path_factory.mktemp("undisturbed") / "study").folder)
    done = study.run()
    assert done.status == 0, done.output
    return study


@pytest.fixture
def fresh(tmp_path):
    """A study of which nothing has run."""
    return Study(new_checkout(tmp_path / "study").folder)


@pytest.fixture
def finished(undisturbed, tmp_path):
    """A copy of the finished study."""
    yield Study(shutil.copytree(undisturbed.folder, tmp_path / "study", symlinks=True))
    shutil.rmtree(tmp_path / "study")  # 100 MB, of which there would be many


@pytest.fixture(scope="module")
def restored(undisturbed, tmp_path_factory):
    """A copy of the finished study in which tests restore what they damage."""
    return Study(shutil.copytree(undisturbed.folder, tmp_path_factory.mktemp("restored") / "study", symlinks=True))
