"""The order in which tests are begun."""


def pytest_collection_modifyitems(items):
    """Begin with the files that run Snakemake: a long file begun last would leave the other cores idle."""
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)
