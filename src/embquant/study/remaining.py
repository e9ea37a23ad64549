"""What a plan still has to write and to embed, whether it fits, and how a person is told."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from embquant.errors import InputError
from embquant.study.stages import decisive_jobs

MINUTE, HOUR, DAY = 60, 3600, 86_400
LONGEST = 3
"""Stages whose time is told."""


def lines(plan: Mapping[str, Any], jobs: Mapping[str, int] | None = None) -> Iterator[str]:
    """Say what the study of ``plan`` (what ``plan-study`` wrote) does, for a terminal of 80 columns.

    ``jobs``: how many of each rule are to be run, by which the time that is left is told; None: all of the study.
    """
    yield f"Plan of the study {plan['study']}"
    for corpus in plan["corpora"]:
        texts = corpus["corpus"]
        yield f"  {corpus['dataset']} · {corpus['model']}"
        yield (
            f"    documents  {texts['documents']:,}, {texts['distinct']:,} different texts; "
            f"{texts['queries']:,} queries"
        )
        rate = corpus["rate"]
        if rate is not None:
            yield (
                f"    embedding  {texts['dim']} dimensions, {rate['tokens_per_text']:.0f} tokens a text; "
                f"{rate['texts_per_second'] * corpus['jobs']:,.0f} texts/s here"
            )
    seconds = remaining_seconds(plan, jobs)
    yield f"  settings   {settings(plan)}"
    longest = sorted(filter(seconds.__getitem__, seconds), key=lambda name: -seconds[name])[:LONGEST]
    most = ", ".join(f"{name} {duration(seconds[name], about='')}" for name in longest)
    time = "time" if seconds == remaining_seconds(plan) else "time left"
    if longest:
        yield f"  {time:<9}  {duration(sum(seconds.values()))}; most of it {most}"
    free, source = available(plan)
    yield f"  disk       {size(to_write(plan))} to write, {size(free)} {source}"


def check_disk(plan: Mapping[str, Any]) -> None:
    """Refuse a plan whose files don't fit on the disk, in one line."""
    needed = to_write(plan)
    free, source = available(plan)
    if needed > free:
        raise InputError(
            f"study {plan['study']}: about {size(needed)} are to be written under {Path(plan['results']).resolve()}, "
            f"{size(free)} {source}; make room, leave out methods or depths, or set disk_gb to what may be written"
        )


def settings(plan: Mapping[str, Any]) -> str:
    """Say how many settings there are, and what makes them."""
    axes = plan["axes"]
    methods, stores, multipliers = (_counted(axes[f"{word}s"], word) for word in ("method", "store", "multiplier"))
    settings = axes["settings"] * len(plan["corpora"])
    return f"{settings:,} ({methods}, {stores} × {multipliers} × {axes['top_k']} top_k)"


def to_write(plan: Mapping[str, Any]) -> float:
    """Return the bytes that the disk must still hold: at the end, or while embeddings lie there twice."""
    total = 0.0
    for corpus in plan["corpora"]:
        # Files appear whole or not at all: one that is there is not written again.
        left = {file["path"]: 0 if Path(file["path"]).exists() else file["bytes"] for file in corpus["files"]}
        passing = sum(left[file["path"]] for file in corpus["files"] if file["passing"])
        embeddings = sum(left[path] for path in _embeddings(corpus))
        total += max(sum(left.values()) - passing, (embeddings + passing) if embeddings else 0)
    return total


def remaining_seconds(plan: Mapping[str, Any], jobs: Mapping[str, int] | None = None) -> dict[str, float]:
    """Return the seconds of each stage; with ``jobs``, how many of each rule are to be run, their share of them."""
    seconds: dict[str, float] = {}
    planned: dict[str, int] = {}
    for stage in (stage for corpus in plan["corpora"] for stage in corpus["stages"]):
        seconds[stage["name"]] = seconds.get(stage["name"], 0.0) + stage["seconds"]
        planned[stage["name"]] = planned.get(stage["name"], 0) + stage["jobs"]
    if jobs is None:
        return seconds
    own = decisive_jobs(jobs)
    return {name: value * min(1.0, own.get(name, 0) / planned[name]) for name, value in seconds.items()}


def available(plan: Mapping[str, Any]) -> tuple[float, str]:
    """Return the bytes that may be written and who says so: the configuration, or the disk."""
    if plan["disk_gb"] is not None:
        return plan["disk_gb"] * 1e9, "allowed by disk_gb"
    folder = Path(plan["results"]).resolve()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free, "free"


def duration(seconds: float, about: str = "about ") -> str:
    """Write a time as roughly as it is known."""
    if seconds < 1.5 * MINUTE:
        return f"{about}{max(1, round(seconds, -1 if seconds > 20 else 0)):.0f} s"
    if seconds < 1.5 * HOUR:
        return f"{about}{seconds / MINUTE:.0f} min"
    if seconds < 2 * DAY:
        return f"{about}{seconds / HOUR:.1f} h"
    return f"{about}{seconds / DAY:.1f} days"


def size(count: float) -> str:
    """Write bytes in the largest decimal unit that leaves one or more."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB" if count < 1000 else f"{count:,.0f} TB"


def _embeddings(corpus: Mapping[str, Any]) -> Sequence[str]:
    return [file["path"] for file in corpus["files"] if Path(file["path"]).match("embeddings/part-*")]


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
