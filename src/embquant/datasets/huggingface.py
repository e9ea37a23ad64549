"""Collections from the Hugging Face hub, or from local folders in the hub's layout, through ``datasets.load_dataset``.

Nothing of the environment is overridden, so that the hub's own variables hold: ``HF_HOME`` (where downloads are
cached), ``HF_HUB_OFFLINE`` (use the cache alone), ``HF_TOKEN`` (private and gated repositories), ``HF_ENDPOINT`` (a
mirror) and ``HTTPS_PROXY``. Loading scripts never run: ``datasets`` has none any more, and refuses such a repository.
"""

import logging
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from embquant.datasets.assembly import Source, assemble
from embquant.datasets.collection import BATCH_ROWS, Collection
from embquant.datasets.formats import Rows
from embquant.datasets.spec import HuggingfaceSpec, RepositorySpec
from embquant.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset

LONGEST_WAIT = 60.0
"""Seconds between two attempts, at most."""

LONGEST_REASON = 300
"""Characters of another library's message."""

COMMIT = re.compile("[0-9a-f]{40}")

TRANSIENT_STATUS = {408, 429, 500, 502, 503, 504}

UNREACHABLE = (
    "connect to the network (HTTPS_PROXY is honoured), or download the repository elsewhere and give its folder as "
    "repository, or copy a cache that has it and set HF_HOME to it"
)

log = logging.getLogger(__name__)


def open_huggingface(spec: HuggingfaceSpec) -> Collection:
    """Download (or find in the cache) and open the tables of ``spec``; their rows are read as batches are taken."""
    asked = {"corpus": spec.corpus, "queries": spec.queries, "qrels": spec.qrels}
    repositories = {name: table for name, table in asked.items() if isinstance(table, RepositorySpec)}
    tables = {name: RepositoryTable(repository, spec.retries) for name, repository in repositories.items()}
    sources = {name: Source(table, repositories[name].columns) for name, table in tables.items()}
    return assemble(
        spec,
        corpus=sources["corpus"],
        queries=sources.get("queries"),
        qrels=sources.get("qrels"),
        origin={"versions": {name: table.version for name, table in tables.items()}},
    )


class RepositoryTable:
    """A split of a repository; rows are numbered from 1. ``version`` is the commit on the hub, or "local folder"."""

    varying = False

    def __init__(self, repository: RepositorySpec, retries: int) -> None:
        """Download what isn't in the cache."""
        parts = (repository.repository, repository.configuration, repository.split)
        self.name = ", ".join(part for part in parts if part)
        self._dataset = _load(repository, self.name, retries)
        self.columns: Sequence[str] = self._dataset.column_names
        self.version = "local folder" if _is_local(repository) else _commit(self._dataset)
        commits = [text for text in (repository.revision or "", self.version) if COMMIT.fullmatch(text)]
        if len(set(commits)) > 1:  # without a network datasets falls back on any revision in its cache
            raise InputError(
                f"{self.name}: the cache has {self.version} instead of revision {commits[0]}; {UNREACHABLE}"
            )

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """Yield ``columns`` as Arrow arrays."""
        first = 1
        for table in self._dataset.select_columns(list(columns)).with_format("arrow").iter(BATCH_ROWS):
            numbers = range(first, first + table.num_rows)
            arrays = {column: table[column].combine_chunks() for column in columns}
            yield Rows(arrays, f"{self.name}: row", numbers)
            first += table.num_rows


def _load(repository: RepositorySpec, name: str, retries: int) -> "Dataset":
    """Load a split; a dropped download is taken up again, up to ``retries`` times.

    The hub's client already tries each request several times and goes on with partial files, so that this is for
    connections that stay away longer. A hub that can't be reached to begin with has been tried long enough by then.
    """
    import datasets

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # else the log has a line for each request
    # A cached table of a local folder would be taken even when its files were edited (datasets 5.2).
    mode = "force_redownload" if _is_local(repository) else "reuse_dataset_if_exists"
    attempt = 0
    while True:
        attempt += 1
        try:
            return datasets.load_dataset(
                repository.repository,
                repository.configuration,
                split=repository.split,
                revision=repository.revision,
                download_mode=mode,
            )
        except Exception as error:  # whatever the many readers behind load_dataset raise
            if attempt > retries or not _is_transient(error):
                raise InputError(f"{name}: {_explain(error)}") from error
            wait = min(2.0**attempt, LONGEST_WAIT)
            log.warning("%s: %s; trying again in %.0f s (%d of %d)", name, _reason(error), wait, attempt, retries)
            time.sleep(wait)


def _is_local(repository: RepositorySpec) -> bool:
    return Path(repository.repository).is_dir()


def _commit(dataset: "Dataset") -> str:
    """Return the commit that ``dataset`` was downloaded from: the name of its folder in the cache of ``datasets``."""
    return Path(dataset.cache_files[0]["filename"]).parent.name


def _is_transient(error: BaseException) -> bool:
    """Whether a connection broke off or the server was busy, anywhere in the chain of causes."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    if _is_unreachable(error):
        return False
    for cause in _causes(error):
        if isinstance(cause, HfHubHTTPError):
            return cause.response is not None and cause.response.status_code in TRANSIENT_STATUS
        if isinstance(cause, HTTPError | ConnectionError | TimeoutError):
            return True
    return False


def _is_unreachable(error: BaseException) -> bool:
    """Whether ``datasets`` gave up on the hub before any download: no network, or HF_HUB_OFFLINE is set."""
    return type(error) is ConnectionError


def _explain(error: BaseException) -> str:
    """Say in one line what went wrong and what to do."""
    if _is_unreachable(error):
        return f"{_reason(error)}; {UNREACHABLE}"
    if "scripts are no longer supported" in str(error):
        return f"{_reason(error)}; name the revision that the hub converted to Parquet: refs/convert/parquet"
    if isinstance(error, FileNotFoundError):
        return f"{_reason(error)}; check the name, or set HF_TOKEN if it is private"
    return _reason(error)


def _reason(error: BaseException) -> str:
    """Return the message in one line, shortened; that of the cause where the outer one says nothing."""
    from datasets.exceptions import DatasetGenerationError

    if isinstance(error, DatasetGenerationError) and error.__cause__ is not None:
        error = error.__cause__
    message = " ".join(str(error).split()) or type(error).__name__
    return message if len(message) <= LONGEST_REASON else f"{message[:LONGEST_REASON]}…"


def _causes(error: BaseException) -> list[BaseException]:
    """Return ``error`` and what caused it, one by one."""
    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    return causes
