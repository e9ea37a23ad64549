"""The order in which tests are begun, and what workers share."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begin runs of Snakemake first: they take longest, and a long test begun last leaves the other cores idle.

    One test of the finished study comes before all, so that it is built while another worker does what needs none.
    """
    finished = [item for item in items if "finished" in item.fixturenames]
    first = finished[:1]
    items.sort(key=lambda item: (item not in first, item.get_closest_marker("workflow") is None, item in finished))
