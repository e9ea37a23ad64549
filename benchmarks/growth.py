"""Predict what settings keep in a corpus from subsets of an eighth and less, and compare with what is measured.

python benchmarks/growth.py --data FOLDER                     # a static model: pip install --no-deps wordllama
python benchmarks/growth.py --results results --model minilm    # the vectors of a study that has these datasets
"""

import argparse
import csv
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import growth_data
import numpy as np
from growth_laws import LAW, manifold_recalls, predictions
from harness import FOLDER
from tabulate import tabulate

from embquant.cli import add_options
from embquant.errors import InputError
from embquant.files.atomic import atomic_path
from embquant.measure.crowding import LEAST_GROWING, Listed, project
from embquant.measure.metrics import parse_metric
from embquant.study import NO_STORE, Setting

log = logging.getLogger(__name__)

METRIC = parse_metric("nDCG@10")
MULTIPLIERS = (1, 2, 4, 10, 20, 40)
PLAIN = Setting(NO_STORE, 1, 10)
TIMES = 8
FARTHER = (20, 64)
"""How many times the growing documents separate the rows of farther predictions."""
MOVED = 0.01
"""What counts as a change of retention."""
POOLED = (
    *("cosqa", "conala_curated", "so_codenn", "code_docstring", "nl2bash", "django_pseudo", "python_api"),
    *("multi30k_captions", "wordnet_examples"),
)
ALONE = ("code_docstring", "so_codenn", "nl2bash", "multi30k_captions")
SCALE = 593_891
"""Documents of config/scale.yaml."""


def growth(
    *,
    data: Annotated[Path | None, "folder of collections, which the static model embeds"] = None,
    results: Annotated[Path | None, "results folder of a study that has embedded them"] = None,
    model: Annotated[str, "the study's model"] = "minilm",
    collections: Annotated[Sequence[str], "collections; pooled-N for all, repeated up to N documents"] = (
        *ALONE,
        "pooled-361034",
        f"pooled-{SCALE}",
    ),
    queries: Annotated[int, "judged queries of each collection; of pooled ones a tenth"] = 500,
) -> None:
    """Write results/benchmarks/growth-MODEL.csv, a row per setting, size and target, and print the table.

    The file is there after each collection, so that a run which is interrupted has what it measured.
    """
    if (data is None) == (results is None):
        raise InputError("growth: expected one of --data and --results")
    name = model if results else "static"
    records: list[dict[str, Any]] = []
    for collection in collections:
        loaded = _load(collection, data, results, model, queries)
        log.info("%s: %d documents, %d queries", collection, len(loaded.documents), len(loaded.queries))
        records += [{"model": name, "collection": collection, **record} for record in _cases(loaded)]
        with atomic_path(FOLDER / f"growth-{name}.csv") as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, records[0])
            writer.writeheader()
            writer.writerows(records)
        log.info("%s: done, %.0f CPU seconds in all", collection, time.process_time())
    print(summary(records))


def _load(name: str, data: Path | None, results: Path | None, model: str, queries: int) -> growth_data.Collection:
    def one(part: str, count: int) -> growth_data.Collection:
        if results:
            whole = growth_data.embedded_by_study(results, part.replace("_", "-"), model)
        else:
            whole = growth_data.embedded_statically(Path(str(data), part))
        return whole.first_judged(count)

    kind, _, documents = name.partition("-")
    if kind != "pooled":
        return one(name, queries)
    return growth_data.Collection.pooled([one(part, queries // 10) for part in POOLED], int(documents))


def _cases(collection: growth_data.Collection) -> Iterator[dict[str, Any]]:
    """Yield the predictions of each method's settings from each subset: TIMES as large, and of the whole collection."""
    sizes, parts = collection.subsets(growth_data.DEPTH)
    least = len(collection.judged) + LEAST_GROWING
    starts = [place for place, size in enumerate(sizes) if least <= size <= sizes[-1] / TIMES + 1]
    baseline: list[growth_data.Found] = []
    of_baseline: dict[tuple[int, int], np.ndarray] = {}
    reference: list[np.ndarray] = []
    for method, found in growth_data.searched(collection, parts):
        baseline = baseline or found
        settings = [Setting(store, times, 10) for store in found[0].stores for times in MULTIPLIERS]
        settings = [PLAIN, *settings]
        measured = [_measured(collection, one, settings) for one in found]
        reference = reference or measured
        for start in starts:
            for target in sorted({start + 3, len(sizes) - 1}):
                factor = (sizes[target] - len(collection.judged)) / (sizes[start] - len(collection.judged))
                listed = [_listed(collection, one[start]) for one in (found, baseline)]
                projection = project(
                    listed[0], found[start].stores, listed[1], settings, [METRIC], collection.judgements, [factor]
                )
                values = np.stack([projection.values[setting, str(METRIC)] for setting in settings], axis=1)
                if found is baseline:
                    of_baseline[start, target] = values
                    continue
                known = [np.concatenate([reference[size], measured[size]]) for size in range(start + 1)]
                both = np.concatenate([of_baseline[start, target], values], axis=1)
                laws = dict(predictions(sizes[: start + 1], known, both, sizes[target], factor))
                one, other = baseline[start], found[start]
                depths = [setting.depth for setting in settings]
                searched = (sizes[start], sizes[target])
                recalls = manifold_recalls(one.scores, one.rows, other.scores, other.rows, searched, depths)
                laws |= {"manifold": laws["unchanged"] * np.append(1, recalls[1] / recalls[0])}
                truth = measured[target].mean(axis=1) / reference[target].mean()
                for place, setting in enumerate(settings):
                    yield {
                        "method": method,
                        "rescore_store": setting.store,
                        "rescore_multiplier": setting.multiplier,
                        "documents": sizes[start],
                        "target": sizes[target],
                        "factor": factor,
                        "measured": truth[place],
                        **{law: values[1 + place] for law, values in laws.items()},
                    }


def _listed(collection: growth_data.Collection, found: growth_data.Found) -> Listed:
    return Listed.of(found.rows, found.scores, collection.judgements, collection.judged)


def _measured(collection: growth_data.Collection, found: growth_data.Found, settings: Sequence[Setting]) -> np.ndarray:
    """Return nDCG@10 of each setting and query."""
    values = []
    for setting in settings:
        scores = found.scores if setting.store == NO_STORE else found.stores[setting.store]
        order = np.lexsort((found.rows[:, : setting.depth], -scores[:, : setting.depth]), axis=1)[:, : setting.top_k]
        gains = collection.judgements.gains(np.take_along_axis(found.rows, order, axis=1))
        values.append(METRIC.kind.of_gains(gains, collection.judgements, METRIC.cutoff))
    return np.stack(values)


def summary(records: Sequence[dict[str, Any]]) -> str:
    """Return the table of predictions against measurements: a row per collection and how far, and of all.

    What the law says nothing of, because it is too far, is left out.
    """
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for record in records:
        if not np.isnan(record["low"]):
            for name in (record["collection"], "all"):
                groups.setdefault((record["model"], name, _distance(record)), []).append(record)
    others = [
        name
        for name in records[0]
        if name in ("unchanged", "line of retention", "lines of means", "model alone", "manifold")
    ]
    rows = []
    for (model, name, times), group in groups.items():
        array = {key: np.array([record[key] for record in group]) for key in ("measured", "low", "high", LAW, *others)}
        held = (array["low"] <= array["measured"]) & (array["measured"] <= array["high"])
        rescored = np.array([record["rescore_store"] != NO_STORE for record in group])
        moved = np.abs(array["measured"] - array["unchanged"]) > MOVED
        widths = (array["high"] - array["low"])[rescored]
        errors = {law: np.abs(array[law] - array["measured"])[moved].mean() for law in (LAW, *others)}
        rows.append(
            {
                "model": model,
                "collection": name,
                "from": times,
                "cases": len(group),
                "held": f"{held.mean():.1%}",
                "median width, rescored": f"{np.median(widths):.4f}",
                "moved": int(moved.sum()),
                **{f"error, {law}": f"{error:.4f}" for law, error in errors.items()},
            }
        )
    return str(tabulate(rows, headers="keys", tablefmt="github"))


def _distance(record: Mapping[str, Any]) -> str:
    """Return how far a prediction goes: TIMES the documents, or between which numbers of times the growing ones."""
    if record["target"] <= TIMES * record["documents"] + TIMES:
        return f"{TIMES}x"
    upper = [bound for bound in FARTHER if record["factor"] <= bound]
    return f"to {upper[0]}x" if upper else f"beyond {FARTHER[-1]}x"


def main(words: Sequence[str] | None = None) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser, growth)
    try:
        growth(**vars(parser.parse_args(words)))
    except InputError as error:
        sys.exit(f"embquant: error: {error}")


if __name__ == "__main__":
    main()
