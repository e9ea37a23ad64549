"""What tests of databases need: `make databases-test` installs the databases, and a test without them fails."""

import pytest

from embquant.errors import missing_modules
from embquant.indexes import index_class, index_pairs

DATABASES = [index_class(*pair) for pair in index_pairs() if pair[0] == "float32" and index_class(*pair).is_database]


@pytest.fixture(autouse=True, scope="session")
def databases():
    """Fail if a database isn't installed."""
    missing = missing_modules(*(package for database in DATABASES for package in database.packages))
    assert not missing, f"not installed: {', '.join(missing)}; to install the databases: make databases"
