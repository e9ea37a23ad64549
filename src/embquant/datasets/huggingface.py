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
from embquant.errors import InputError, require

if TYPE_CHECKING:
    from datasets import Dataset

CONVERTED = "refs/convert/parquet"
"""The branch that the hub writes by itself, for repositories with a loading script too; a configuration is a folder."""

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
        parts = (repository.repository, repository.configuration, repository.folder, repository.split)
        self.name = ", ".join(part for part in parts if part)
        self._dataset, self.version = _load(repository, self.name, retries)
        self.columns: Sequence[str] = self._dataset.column_names
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


def _load(repository: RepositorySpec, name: str, retries: int) -> tuple["Dataset", str]:
    """Return a split and its version; a dropped download is taken up again, up to ``retries`` times.

    The hub's client already tries each request several times and goes on with partial files, so that this is for
    connections that stay away longer. A hub that can't be reached to begin with has been tried long enough by then.
    """
    require("hub", "datasets", "huggingface_hub")
    import datasets
    import huggingface_hub

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
        huggingface_hub.utils.disable_progress_bars()
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # else the log has a line for each request
    attempt = 0
    while True:
        attempt += 1
        try:
            return _fetch(repository)
        except Exception as error:  # whatever the many readers behind load_dataset raise
            if attempt > retries or not _is_transient(error):
                raise InputError(f"{name}: {_explain(error)}") from error
            wait = min(2.0**attempt, LONGEST_WAIT)
            log.warning("%s: %s; trying again in %.0f s (%d of %d)", name, _reason(error), wait, attempt, retries)
            time.sleep(wait)


def _fetch(repository: RepositorySpec) -> tuple["Dataset", str]:
    from datasets import load_dataset
    from huggingface_hub import snapshot_download

    place, configuration, folder = repository.repository, repository.configuration, repository.folder
    if repository.revision == CONVERTED and folder is None:
        configuration, folder = None, configuration
    local = Path(place).is_dir()
    if folder is not None and not local:
        # Without a network datasets (5.2) doesn't find the tables of a folder in its cache again; the hub's cache does.
        patterns = [f"{folder}/*"]
        place = snapshot_download(place, repo_type="dataset", revision=repository.revision, allow_patterns=patterns)
    dataset = load_dataset(
        place,
        configuration,
        data_dir=folder,
        split=repository.split,
        revision=repository.revision,
        # A cached table of a local folder would be taken even when its files were edited (datasets 5.2).
        download_mode="force_redownload" if local else "reuse_dataset_if_exists",
    )
    if local:
        return dataset, "local folder"
    if place != repository.repository:
        return dataset, Path(place).name  # a snapshot is called as its commit
    return dataset, Path(dataset.cache_files[0]["filename"]).parent.name  # and so is a folder of the cache


def _is_transient(error: BaseException) -> bool:
    """Whether a connection broke off or the server was busy, anywhere in the chain of causes."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

    for cause in _causes(error):
        if type(cause) is ConnectionError or isinstance(cause, OfflineModeIsEnabled):
            return False  # datasets' way to say that it couldn't reach the hub to begin with
        if isinstance(cause, HfHubHTTPError):
            return cause.response is not None and cause.response.status_code in TRANSIENT_STATUS
        if isinstance(cause, HTTPError | ConnectionError | TimeoutError):
            return True
    return False


def _explain(error: BaseException) -> str:
    """Say in one line what went wrong and what to do."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    if isinstance(error, ConnectionError | LocalEntryNotFoundError):
        return f"{_reason(error)}; {UNREACHABLE}"
    if "scripts are no longer supported" in str(error):
        return f"{_reason(error)}; set its revision to {CONVERTED}, which the hub converts to Parquet"
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
