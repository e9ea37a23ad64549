"""What of a diagnosis predicts what quantizing loses? Measured over collections and models, with rank correlations.

Takes folders results/{dataset}/{model} with the embeddings of a corpus and its queries. Of each at most ``DOCUMENTS``
documents, all judged ones among them, and ``QUERIES`` queries are diagnosed and quantized. Made-up variants of the
vectors are apart: ``cut``, the first half of the dimensions; ``shifted`` and ``half-shifted``, a vector of length 1 or
0.5 added to all. Results are kept in results/benchmarks/diagnosis, a file per folder and variant, so that an
interrupted run goes on.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr
from tabulate import tabulate

from embquant.arrays import StudyOfArrays
from embquant.files.atomic import write_json
from embquant.files.parquet import read_embeddings, read_table
from embquant.measure.diagnosis import diagnose
from embquant.measure.statistics import holm, rounded
from embquant.quantize.batches import Batches
from embquant.report.numbers.measured import read_measured
from embquant.steps.build_store import corpus_sample
from embquant.study.layout import ModelFolder
from embquant.study.study import Study

FOLDER = Path("results/benchmarks/diagnosis")
DOCUMENTS, QUERIES, SEED = 20_000, 1000, 0
METRICS = ["nDCG@10", "overlap@10"]
CODECS = {
    "float32": {"family": "float32"},
    "binary": {"family": "binary"},
    "centred": {"family": "binary", "threshold": "mean"},
    "int8": {"family": "int8"},
    "percentile": {"family": "int8", "ranges": "percentile"},
}
VARIANTS = ("as-it-is", "cut", "half-shifted", "shifted")
SHIFTS = {"half-shifted": 0.5, "shifted": 1.0}
DIAGNOSTICS = {
    "mean_share": "mean share",
    "dead_share": "dead",
    "outlier_share": "outliers",
    "effective_dim": "effective dimension",
    "span": "range",
    "margin": "margin",
    "margin_in_deviations": "margin, in deviations",
    "duplicates": "duplicates",
    "tried_binary": "bits, tried",
    "tried_gain": "gain by centring, tried",
    "tried_int8": "int8, tried",
}
LOSSES = {
    "binary": "bits",
    "centred": "centred bits",
    "gain": "gain by centring",
    "rescored": "bits ×4, by int8",
    "int8": "int8",
    "percentile": "int8, percentiles",
    "pq": "PQ",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, help="results/{dataset}/{model}")
    parser.add_argument("--variants", nargs="*", default=VARIANTS, choices=VARIANTS)
    options = parser.parse_args()
    for folder in options.folders:
        for variant in options.variants:
            path = FOLDER / f"{folder.parent.name}-{folder.name}-{variant}.json"
            if not path.exists():
                write_json(path, case(folder, variant))
    cases = pd.DataFrame([json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))])
    print(tables(cases))


def case(folder: Path, variant: str) -> dict[str, object]:
    corpus, queries, judgements = chosen(folder)
    if variant == "cut":
        corpus, queries = (unit(each[:, : each.shape[1] // 2]) for each in (corpus, queries))
    if variant in SHIFTS:
        same = unit(np.random.default_rng(SEED).standard_normal((1, corpus.shape[1])).astype(np.float32))
        corpus, queries = (unit(each + np.float32(SHIFTS[variant]) * same) for each in (corpus, queries))
    names = {"dataset": folder.parent.name, "model": folder.name, "variant": variant, "judged": len(queries)}
    return {**names, **diagnosed(corpus, queries), **measured(corpus, queries, judgements)}


def diagnosed(corpus: np.ndarray, queries: np.ndarray) -> dict[str, object]:
    found = asdict(diagnose(Batches(lambda: iter([corpus]), *corpus.shape), queries))
    tried = found.pop("overlap")
    return {
        **found,
        "dead_share": len(found["dead"]) / found["dim"],
        "tried_binary": tried["binary"],
        "tried_gain": tried["binary_centred"] - tried["binary"],
        "tried_int8": tried["int8"],
    }


def chosen(folder: Path) -> tuple[np.ndarray, np.ndarray, dict[int, dict[int, int]]]:
    """Return the vectors of some documents and queries, and the judgements by their rows."""
    place = ModelFolder(folder)
    sample = corpus_sample(place.embeddings)
    table = read_table(folder.parent / "qrels.parquet", ["query_row", "doc_row", "relevance"]).to_pandas()
    rng = np.random.default_rng(SEED)
    asked = np.unique(table["query_row"])
    asked = np.sort(rng.permutation(asked)[:QUERIES])
    table = table[table["query_row"].isin(asked)]
    judged = np.unique(table["doc_row"])
    others = rng.permutation(np.setdiff1d(np.arange(sample.rows), judged))
    kept = np.sort(np.concatenate([judged, others[: max(0, DOCUMENTS - len(judged))]]))
    corpus = sample.draw(sample.rows, SEED)[kept]
    queries = read_embeddings(place.query_vectors, sample.dim)[asked]
    judgements: dict[int, dict[int, int]] = {}
    for query, document, gain in table.itertuples(index=False):
        row = int(np.searchsorted(asked, query))
        judgements.setdefault(row, {})[int(np.searchsorted(kept, document))] = int(gain)
    return corpus, queries, judgements


def unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths == 0, 1, lengths)


def measured(corpus: np.ndarray, queries: np.ndarray, judgements: dict[int, dict[int, int]]) -> dict[str, float]:
    """Return what each method keeps, and the deviation of its differences per query, in the baseline's mean."""
    pq = {"family": "pq", "pieces": corpus.shape[1] // 8, "training": 10_000, "iterations": 10}
    codecs = {**CODECS, "pq": pq}
    config = {
        "study": "diagnosis",
        "datasets": {"corpus": {"source": "files", "path": "."}},
        "models": {"vectors": {"type": "precomputed", "corpus": "."}},
        "parts": 1,
        "codecs": codecs,
        "methods": {name: {"codec": name, "index": "flat"} for name in codecs},
        "top_k": [10],
        "rescore": {"stores": ["int8"], "multipliers": [4]},
        "metrics": METRICS,
        "growth": {"halvings": 0},
    }
    study = Study.read(config)
    with TemporaryDirectory() as folder:
        run = StudyOfArrays(study, Path(folder), threads=1)
        run.write_inputs(corpus, queries, judgements)
        run.build_and_search()
        for name in study.methods:
            run.evaluate(name)
        found = read_measured([run.path(study.layout.run(name)) for name in study.methods])
    settings = found.settings
    plain = settings["rescore_store"] == "none"
    rows = {name: np.flatnonzero(plain & (settings["method"] == name))[0] for name in codecs}
    rows["rescored"] = np.flatnonzero((settings["rescore_store"] == "int8") & (settings["method"] == "binary"))[0]
    quality, overlap = (found.metrics[name] for name in METRICS)
    reference = quality[rows["float32"]]
    figures = {"baseline": reference.mean(), "gain_overlap": overlap[rows["centred"]].mean()}
    for name, row in rows.items():
        figures[f"{name}_retention"] = quality[row].mean() / reference.mean()
        figures[f"{name}_overlap"] = overlap[row].mean()
        figures[f"{name}_deviation"] = rounded(quality[row] - reference).std(ddof=1) / reference.mean()
    for kind in ("retention", "overlap"):
        figures[f"gain_{kind}"] = figures[f"centred_{kind}"] - figures[f"binary_{kind}"]
    return {name: float(value) for name, value in figures.items()}


def tables(cases: pd.DataFrame) -> str:
    real = cases[cases["variant"] == VARIANTS[0]]
    parts = [listed(real), kept(real), correlations(real, "overlap"), correlations(real, "retention")]
    parts += [trials(cases), deviations(real)]
    made_up = [cases[cases["variant"] == variant] for variant in VARIANTS[1:]]
    return "\n\n".join(parts + [text for rows in made_up if len(rows) for text in (listed(rows), kept(rows))])


def listed(cases: pd.DataFrame) -> str:
    """Return the diagnostics, a line per collection and model."""
    return _columns(cases, DIAGNOSTICS)


def kept(cases: pd.DataFrame) -> str:
    """Return overlap@10 and the share of float32's nDCG@10 that is kept, a line per collection and model."""
    texts = {
        name: cases.apply(
            lambda row, name=name: f"{row[f'{name}_overlap']:.3f} · {row[f'{name}_retention']:.3f}", axis=1
        )
        for name in LOSSES
    }
    return _columns(cases.assign(**texts), LOSSES)


def _columns(cases: pd.DataFrame, columns: dict[str, str]) -> str:
    named = ["dataset", "model", *(["variant"] if cases["variant"].iloc[0] != VARIANTS[0] else []), "vectors"]
    rows = cases.sort_values(["model", "dataset"])[[*named, *columns]]
    return tabulate(rows.rename(columns=columns), "keys", "github", showindex=False, floatfmt=".3f")


def correlations(cases: pd.DataFrame, kind: str) -> str:
    """Return Spearman's ρ of ranks within models, and in brackets each model's own.

    Bold: p < 0.05 after Holm's correction over the table, by permutations within models, and one sign in all models.
    """
    models = list(cases.groupby("model").groups)
    found = {}
    for name in DIAGNOSTICS:
        for loss in LOSSES:
            own = [cases[cases["model"] == model][[name, f"{loss}_{kind}"]].to_numpy(float) for model in models]
            own = [values for values in own if np.ptp(values[:, 0]) > 0]
            if own:
                found[name, loss] = (*within(own), [spearmanr(*values.T).statistic for values in own])
    adjusted = holm(np.array([chance for _, chance, _ in found.values()]))
    texts = {}
    for (key, (joint, _, each)), p in zip(found.items(), adjusted, strict=True):
        text = f"{joint:+.2f} ({', '.join(f'{value:+.2f}' for value in each)})"
        texts[key] = f"**{text}**" if p < 0.05 and len({np.sign(value) for value in each}) == 1 else text
    names = dict.fromkeys(name for name, _ in found)
    rows = [[DIAGNOSTICS[name], *(texts[name, loss] for loss in LOSSES)] for name in names]
    return tabulate(rows, [f"{kind} ({', '.join(models)})", *LOSSES.values()], "github", disable_numparse=True)


def within(groups: list[np.ndarray], permutations: int = 9999) -> tuple[float, float]:
    """Correlate ranks within groups; p is two-sided, of permutations within groups."""
    ranks = [rankdata(group, axis=0) - (len(group) + 1) / 2 for group in groups]
    scale = np.sqrt(np.prod([sum((rank[:, side] ** 2).sum() for rank in ranks) for side in (0, 1)]))
    observed = sum(rank[:, 0] @ rank[:, 1] for rank in ranks) / scale
    rng = np.random.default_rng(SEED)
    drawn = sum(rng.permuted(np.tile(rank[:, 0], (permutations, 1)), axis=1) @ rank[:, 1] for rank in ranks) / scale
    return float(observed), float((1 + (np.abs(drawn) >= abs(observed) - 1e-12).sum()) / (1 + permutations))


def trials(cases: pd.DataFrame) -> str:
    """Return how far what codecs find in a sample is from what they find in the collection."""
    rows = []
    for variant, own in cases.groupby("variant", sort=False):
        for name, loss in (("tried_binary", "binary"), ("tried_gain", "gain"), ("tried_int8", "int8")):
            errors = own[name] - own[f"{loss}_overlap"]
            figures = (f"{value:+.3f}" for value in (errors.mean(), errors.min(), errors.max()))
            rows.append([variant, LOSSES[loss], len(own), f"{errors.abs().mean():.3f}", *figures])
    headers = ["variant", "tried − measured, of", "cases", "mean absolute", "mean", "least", "greatest"]
    return tabulate(rows, headers, "github", disable_numparse=True)


def deviations(cases: pd.DataFrame) -> str:
    """Return the deviation of differences per query, in the baseline's mean: it decides how many queries are needed."""
    rows = []
    for name in (name for name in LOSSES if name != "gain"):
        lost, spread = 1 - cases[f"{name}_retention"], cases[f"{name}_deviation"]
        about = [f"{value:.3f}" for value in np.quantile(spread, [0, 0.5, 1])]
        rows.append([LOSSES[name], f"{lost.median():.4f}", *about])
    headers = ["setting", "median loss", "least deviation", "median", "greatest"]
    return tabulate(rows, headers, "github", disable_numparse=True)


if __name__ == "__main__":
    main()
