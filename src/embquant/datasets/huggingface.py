"""Collections from the Hugging Face hub, or from local folders in the hub's layout, through ``datasets.load_dataset``.

The hub's own environment variables apply: ``HF_HOME`` (cache of downloads), ``HF_HUB_OFFLINE`` (use the cache alone),
``HF_TOKEN`` (private and gated repositories), ``HF_ENDPOINT`` (a mirror) and ``HTTPS_PROXY``. Loading scripts never
run: ``datasets`` refuses a repository that has one.
"""

import logging
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embquant.datasets.collection import BATCH_ROWS, Collection
from embquant.datasets.columns import NamedTable, assemble
from embquant.datasets.spec import HuggingfaceSpec, RepositorySpec
from embquant.datasets.tables import Rows
from embquant.errors import InputError, require

if TYPE_CHECKING:
    from datasets import Dataset

CONVERTED = "refs/convert/parquet"
"""The branch with the hub's own Parquet copy, which has a folder per configuration; no loading script is needed."""

LONGEST_WAIT_SECONDS = 60
LONGEST_REASON = 300
"""Characters of another library's message that are repeated in ours."""

COMMIT = re.compile("[0-9a-f]{40}")

BUSY = {408, 429, 500, 502, 503, 504}
"""HTTP statuses after which a request is worth repeating."""

UNREACHABLE = (
    "connect to the network (HTTPS_PROXY is honoured), or download the repository elsewhere and give its folder as "
    "repository, or copy a cache that has it and set HF_HOME to it"
)

log = logging.getLogger(__name__)


def open_huggingface(spec: HuggingfaceSpec) -> Collection:
    """Download (or find in the cache) and open the tables of ``spec``; their rows are read as batches are taken."""
    tables = {name: RepositoryTable(repository, spec.retries) for name, repository in spec.tables().items()}
    named = {name: NamedTable(table, spec.tables()[name].columns) for name, table in tables.items()}
    return assemble(
        spec,
        corpus=named["corpus"],
        queries=named.get("queries"),
        qrels=named.get("qrels"),
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

    The hub's client already repeats each request several times and continues partial files; this is for connections
    that stay away longer. A hub that can't be reached in the first place isn't tried again.
    """
    require("hub", "datasets", "huggingface_hub", "tenacity")
    import datasets
    import huggingface_hub
    import tenacity

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
        huggingface_hub.utils.disable_progress_bars()
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # else the log has a line for each request

    def announce(state: Any) -> None:  # a tenacity.RetryCallState, whose outcome and next action are set by then
        reason, wait = _reason(state.outcome.exception()), state.next_action.sleep
        log.warning("%s: %s; trying again in %.0f s (%d of %d)", name, reason, wait, state.attempt_number, retries)

    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_transient),
        stop=tenacity.stop_after_attempt(retries + 1),
        wait=tenacity.wait_exponential(multiplier=2, max=LONGEST_WAIT_SECONDS),
        before_sleep=announce,
        reraise=True,
    )
    try:
        return attempts(_fetch, repository)
    except Exception as error:  # whatever the many readers behind load_dataset raise
        raise InputError(f"{name}: {_explain(error)}") from error


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
    """Whether a connection broke off or the server was busy."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    cause = _cause(error)
    if isinstance(cause, HfHubHTTPError):
        return cause.response is not None and cause.response.status_code in BUSY
    return isinstance(cause, HTTPError | TimeoutError | ConnectionResetError)


def _explain(error: BaseException) -> str:
    """Return in one line what went wrong and what to do."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    if isinstance(error, ConnectionError | LocalEntryNotFoundError):
        return f"{_reason(error)}; {UNREACHABLE}"
    if "scripts are no longer supported" in str(error):
        return f"{_reason(error)}; set its revision to {CONVERTED}, which the hub converts to Parquet"
    if isinstance(error, FileNotFoundError):
        return f"{_reason(error)}; check the name, or set HF_TOKEN if it is private"
    return _reason(error)


def _reason(error: BaseException) -> str:
    """Return the message of the cause in one line, shortened."""
    cause = _cause(error)
    message = " ".join(str(cause).split()) or type(cause).__name__
    return message if len(message) <= LONGEST_REASON else f"{message[:LONGEST_REASON]}…"


def _cause(error: BaseException) -> BaseException:
    """Return the cause of an error of ``datasets`` that says no more than that a table can't be made."""
    from datasets.exceptions import DatasetGenerationError

    return error.__cause__ if isinstance(error, DatasetGenerationError) and error.__cause__ else error
