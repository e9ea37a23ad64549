"""Checks the files of a study against their records, and traces its reports back to their inputs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from embquant.errors import InputError
from embquant.files.provenance import file_digest
from embquant.files.records import Record, difference_from, place_of, remedy, shown_path
from embquant.files.stamps import FOLDER

UNRECORDED = ("logs", "benchmarks", "README.md")
"""What lies in the folder of results without being a result."""


@dataclass(frozen=True)
class Finding:
    """A file that is not as it was recorded: ``kind`` is changed, missing, not recorded or outdated."""

    kind: str
    path: Path
    detail: str
    remedy: str


@dataclass
class Chain:
    """Recorded files (artifacts), the users' files that they were made from, and what is wrong with either."""

    artifacts: dict[Path, Record] = field(default_factory=dict)
    sources: dict[Path, dict[str, list[Path]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    """A user's file → SHA-256 that it had → artifacts made from it then."""
    users: dict[Path, set[Path]] = field(default_factory=lambda: defaultdict(set))
    """A file → artifacts made from it."""
    findings: list[Finding] = field(default_factory=list)

    def follow(self, paths: Iterable[Path]) -> None:
        """Add the artifacts ``paths`` and everything that they were made from, and check each once."""
        waiting = list(paths)
        while waiting:
            path = waiting.pop()
            if path in self.artifacts:
                continue
            record = self._record(path)
            if record is None:
                continue
            self.artifacts[path] = record
            self._check(path, record)
            for used, digest in record.used(path).items():
                self.users[used].add(path)
                if place_of(used).parent.is_dir():
                    waiting.append(used)
                else:
                    self.sources[used][digest].append(path)

    def compare_versions(self) -> None:
        """Find artifacts whose inputs, artifacts or users' files, have changed since."""
        for path, record in self.artifacts.items():
            for used, digest in record.used(path).items():
                now = self.artifacts.get(used)
                if now is not None and now.sha256 != digest:
                    self._add("outdated", path, f"made from another {shown_path(used)} than there is now", record)
        for source, versions in self.sources.items():
            present = file_digest(source) if source.is_file() else None
            for digest, artifacts in versions.items():
                if present is None:
                    self.findings.append(
                        Finding("missing", source, f"{count_files(artifacts)} made from it", "put it back")
                    )
                elif present != digest:
                    detail = f"SHA-256 {present[:16]}… where {count_files(artifacts)} made from {digest[:16]}…"
                    self.findings.append(Finding("changed", source, detail, "put it back, or run the study again"))

    def reports_from(self, path: Path) -> list[Path]:
        """Return the folders of the reports that depend on ``path``, directly or not."""
        reached, waiting = set(), [path]
        while waiting:
            new = waiting.pop()
            if new not in reached:
                reached.add(new)
                waiting.extend(self.users.get(new, ()))
        return sorted({path.parent for path in reached if path.parent.parent.name == "reports"})

    def _record(self, path: Path) -> Record | None:
        try:
            record = Record.of(path)
        except InputError as error:
            remake = remedy(path)
            self.findings.append(
                Finding("changed", place_of(path), str(error).partition(": ")[2].partition(";")[0], remake)
            )
            return None
        if record is None:
            remake = remedy(path)
            self.findings.append(Finding("not recorded", path, "", f"remove it if it is no result; {remake}"))
        return record

    def _check(self, path: Path, record: Record) -> None:
        if not path.is_file():
            if record.kept:
                self._add("missing", path, "", record)
        elif difference := difference_from(record, path):
            self._add("changed", path, difference, record)

    def _add(self, kind: str, path: Path, detail: str, record: Record) -> None:
        self.findings.append(Finding(kind, path, detail, remedy(path, record)))


def recorded_files(folder: Path) -> Iterator[Path]:
    """Yield the artifacts below ``folder`` that have a record, whether they exist or not."""
    for place in folder.rglob(f"{FOLDER}/*.json"):
        if place.relative_to(folder).parts[0] not in UNRECORDED:
            yield place.parent.parent / place.name.removesuffix(".json")


def present_files(folder: Path) -> Iterator[Path]:
    """Yield the files below ``folder`` that should have a record: all but hidden ones and logs."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if parts[0] not in UNRECORDED and not any(part.startswith(".") for part in parts) and path.is_file():
            yield path


def count_files(files: Iterable[Path]) -> str:
    """Return "1 file" or "2 files"."""
    count = len(list(files))
    return f"{count} file{'s' if count != 1 else ''}"
