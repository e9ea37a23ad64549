"""How a setting is deployed: its configuration, and the lines that open its files and search them."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from embquant.entries import parse_spec
from embquant.indexes import index_class, scorings, suffix
from embquant.study.settings import NO_STORE

KNOBS = {
    ("ivf", ".faiss"): ("nprobe", "nprobe"),
    ("hnsw", ".faiss"): ("expansion_search", "hnsw.efSearch"),
    ("hnsw", ".usearch"): ("expansion_search", "expansion_search"),
}
"""(kind of index, ending of its file) → the search parameter, and what FAISS or USearch calls it."""


ROWS = "rows = np.atleast_2d(found.keys).astype(np.int64)"
"""USearch returns one row of keys where it is asked one query."""


def configuration(setting: pd.Series, config: Mapping[str, Any]) -> str:
    """Return the part of a study's YAML that builds ``setting`` and float32 alone; datasets and models are as before.

    ``setting`` has ``method``, ``rescore_store``, ``rescore_multiplier`` and ``top_k``; ``config`` is the study's.
    """
    methods = dict.fromkeys([config["baseline"], setting["method"]])
    codecs = dict.fromkeys(config["methods"][name]["codec"] for name in methods)
    rescored = setting["rescore_store"] != NO_STORE
    if rescored:
        codecs[setting["rescore_store"]] = None
    lines = ["codecs:", *(f"  {name}: {json.dumps(config['codecs'][name])}" for name in codecs)]
    lines += ["methods:", *(f"  {name}: {json.dumps(_written(config['methods'][name]))}" for name in methods)]
    lines += [f"baseline: {config['baseline']}", f"top_k: [{setting['top_k']}]"]
    if rescored:
        lines += [f"rescore: {{stores: [{setting['rescore_store']}], multipliers: [{setting['rescore_multiplier']}]}}"]
    return "\n".join(lines)


def _written(method: Mapping[str, Any]) -> dict[str, Any]:
    """Return a method's entry as a user writes it: without what the workflow adds."""
    return {key: value for key, value in method.items() if key != "built" and value != {}}


def code(setting: pd.Series, config: Mapping[str, Any], folder: str) -> str:
    """Return Python that searches ``setting`` of what a run put into ``folder``, results/{dataset}/{model}.

    It takes ``queries``, float32 (n, dim), and leaves ``rows``, positions in the corpus (n, top_k), best first. FAISS
    or USearch open and search the index; what neither can scan, this library's own retriever does.
    """
    spec = config["methods"][setting["method"]]
    family, kind = config["codecs"][spec["codec"]]["family"], spec["index"]
    scoring, ending = spec.get("scoring") or scorings(family, kind)[0], suffix(family, kind)
    file = f"stores/{spec['codec']}{ending}" if kind == "flat" else f"indexes/{spec['built']}{ending}"
    if ending == ".npy" or (family, kind, scoring) == ("binary", "flat", "asymmetric"):
        return _by_retriever(setting, config, folder)
    asked = f'codec.encode_queries(queries, "{scoring}")'
    depth = setting["top_k"] * setting["rescore_multiplier"]
    if ending == ".i8bin":
        imports = ["from usearch.index import MetricKind, search", "from usearch.io import load_matrix"]
        lines = [f'codes = load_matrix(str(folder / "{file}"))']
        lines += [f"found = search(codes, {asked}, {depth}, MetricKind.IP, exact=True)", ROWS]
    elif ending == ".usearch":
        imports = ["from usearch.index import Index"]
        lines = [f'index = Index.restore(str(folder / "{file}"))']
        lines += [*_knob(spec, family, ending), f"found = index.search({asked}, {depth})", ROWS]
    else:
        imports = ["import faiss"]
        reader = "read_index_binary" if family == "binary" and kind != "fastscan" else "read_index"
        lines = [f'index = faiss.{reader}(str(folder / "{file}"))']
        lines += [*_knob(spec, family, ending), f"_, rows = index.search({asked}, {depth})"]
    imports += ["from embquant.quantize.codecs.base import load_codec"]
    if setting["rescore_store"] != NO_STORE:
        imports += ["from embquant.retrieve.rescoring import Store"]
        lines += [
            f'store = Store.open(folder / "{_store_manifest(setting, config)}")  # stays on disk',
            "scores = store.score(queries, rows)",
            f"rows = np.take_along_axis(rows, np.argsort(-scores, axis=1)[:, :{setting['top_k']}], axis=1)",
        ]
    return "\n".join(
        [
            *("from pathlib import Path", "import numpy as np", *imports, ""),
            f'folder = Path("{folder}")',
            f'codec = load_codec(folder / "codecs/{spec["codec"]}/state.npz")',
            *lines,
        ]
    )


def _by_retriever(setting: pd.Series, config: Mapping[str, Any], folder: str) -> str:
    rescored = setting["rescore_store"] != NO_STORE
    store = f'folder / "{_store_manifest(setting, config)}"' if rescored else "None"
    return "\n".join(
        [
            *("from pathlib import Path", "from embquant.retrieve.retriever import Retriever", ""),
            f'folder = Path("{folder}")',
            f'retriever = Retriever.open(folder / "methods/{setting["method"]}.json", {store}, threads=1)',
            f"_, rows = retriever.search(queries, {setting['top_k']}, {setting['rescore_multiplier']})",
        ]
    )


def _knob(spec: Mapping[str, Any], family: str, ending: str) -> list[str]:
    """Return the line that sets the search parameter of a graph or of lists, if there is one."""
    name, native = KNOBS.get((spec["index"], ending), (None, None))
    if name is None:
        return []
    parameters = parse_spec(index_class(family, spec["index"]).search_parameters, spec["search"], "search")
    return [f"index.{native} = {getattr(parameters, name)}"]


def _store_manifest(setting: pd.Series, config: Mapping[str, Any]) -> str:
    store = setting["rescore_store"]
    return f"stores/{store}{suffix(config['codecs'][store]['family'], 'flat')}.json"
