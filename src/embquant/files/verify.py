"""``verify``: check every file of a study against its record, and follow its reports back to what they came from."""

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from embquant.errors import InputError
from embquant.files.provenance import file_digest
from embquant.files.records import FOLDER, Record, absolute, difference_from, place_of, remedy

UNRECORDED = ("logs", "benchmarks", "README.md")
"""What lies in the folder of results and is no part of a study's results."""


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was recorded: ``kind`` is changed, missing, not recorded or outdated."""

    kind: str
    path: Path
    detail: str
    remedy: str


@dataclass
class Chain:
    """The records of artifacts, the files outside that they came from, and what is wrong with them."""

    artifacts: dict[Path, Record] = field(default_factory=dict)
    sources: dict[Path, dict[str, list[Path]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    """A user's file → SHA-256 that it had → artifacts made from it then."""
    users: dict[Path, set[Path]] = field(default_factory=lambda: defaultdict(set))
    """A file → artifacts made from it."""
    findings: list[Finding] = field(default_factory=list)

    def follow(self, paths: Iterable[Path]) -> None:
        """Take in the artifacts ``paths`` and all that they were made from, and check each of them once."""
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
        """Find artifacts that were made from another version of an artifact, or of a user's file, than there is now."""
        for path, record in self.artifacts.items():
            for used, digest in record.used(path).items():
                now = self.artifacts.get(used)
                if now is not None and now.sha256 != digest:
                    self._add("outdated", path, f"made from another {_shown(used)} than there is now", record)
        for source, versions in self.sources.items():
            now = file_digest(source) if source.is_file() else None
            for digest, artifacts in versions.items():
                if now is None:
                    self.findings.append(Finding("missing", source, f"{_count(artifacts)} made from it", "put it back"))
                elif now != digest:
                    detail = f"SHA-256 {now[:16]}… where {_count(artifacts)} made from {digest[:16]}…"
                    self.findings.append(Finding("changed", source, detail, "put it back, or run the study again"))

    def reports_from(self, path: Path) -> list[Path]:
        """Return the folders of the studies whose reports were made from ``path``, directly or not."""
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
            remake = remedy(Path(_shown(path)))
            self.findings.append(
                Finding("changed", place_of(path), str(error).partition(": ")[2].partition(";")[0], remake)
            )
            return None
        if record is None:
            remake = remedy(Path(_shown(path)))
            self.findings.append(Finding("not recorded", path, "", f"remove it if it is no result; {remake}"))
        return record

    def _check(self, path: Path, record: Record) -> None:
        if not path.is_file():
            if record.kept:
                self._add("missing", path, "", record)
        elif difference := difference_from(record, path):
            self._add("changed", path, difference, record)

    def _add(self, kind: str, path: Path, detail: str, record: Record) -> None:
        self.findings.append(Finding(kind, path, detail, remedy(Path(_shown(path)), record)))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``verify``."""
    parser.add_argument("results", type=Path, help="results, or results/reports/{study} for one study alone")


def run(arguments: argparse.Namespace) -> int:
    """Print what is not as it was recorded; return 1 if anything isn't."""
    folder = absolute(arguments.results)
    if not folder.is_dir():
        raise InputError(f"{arguments.results}: no such folder; give results, or results/reports/{{study}}")
    chain = Chain()
    chain.follow(sorted({*_recorded(folder), *_present(folder)}))
    if not chain.artifacts and not chain.findings:
        raise InputError(f"{arguments.results}: nothing in it has a record; run a study first")
    chain.compare_versions()
    for finding in sorted(chain.findings, key=lambda finding: (finding.kind, finding.path)):
        detail = f": {finding.detail}" if finding.detail else ""
        sys.stdout.write(f"{finding.kind}: {_shown(finding.path)}{detail}\n")
        for reports in chain.reports_from(finding.path):
            sys.stdout.write(f"   the reports in {_shown(reports)} depend on it\n")
        sys.stdout.write(f"   {finding.remedy}\n")
    size = sum(record.bytes for path, record in chain.artifacts.items() if path.is_file())
    what = (
        f"{_count(chain.artifacts)} of {size / 1e6:,.1f} MB, made from {_count(chain.sources)} of yours or of a package"
    )
    wrong = f"{len(chain.findings)} not as recorded" if chain.findings else "all as recorded"
    sys.stdout.write(f"{_shown(folder)}: {what}: {wrong}\n")
    return 1 if chain.findings else 0


def _recorded(folder: Path) -> Iterator[Path]:
    """Yield the artifacts below ``folder`` that have a record, there or not."""
    for place in folder.rglob(f"{FOLDER}/*.json"):
        if place.relative_to(folder).parts[0] not in UNRECORDED:
            yield place.parent.parent / place.name.removesuffix(".json")


def _present(folder: Path) -> Iterator[Path]:
    """Yield the files below ``folder`` that should have a record: all but hidden ones and logs."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if parts[0] not in UNRECORDED and not any(part.startswith(".") for part in parts) and path.is_file():
            yield path


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _count(files: Iterable[Path]) -> str:
    count = len(list(files))
    return f"{count} file{'s' if count != 1 else ''}"
