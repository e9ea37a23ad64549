"""How a setting is deployed: its configuration, and the lines that open its files and search them."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from embquant.entries import read_entry
from embquant.indexes import index_class
from embquant.quantize.codecs import CODECS
from embquant.study.settings import NO_STORE


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
    codec, kind = CODECS[config["codecs"][spec["codec"]]["family"]], spec["index"]
    index = index_class(codec.family, kind)
    scoring = spec.get("scoring") or index.scorings(codec)[0]
    place = f"stores/{spec['codec']}" if kind == "flat" else f"indexes/{spec['built']}"
    depth = setting["top_k"] * setting["rescore_multiplier"]
    search = read_entry(index.search_parameters, spec["search"], "search")
    asked = f'codec.encode_queries(queries, "{scoring}")'
    native = index.native_lines(f'folder / "{place}{index.suffix}"', asked, depth, scoring, search)
    if not native:
        return _by_retriever(setting, config, folder)
    imports = [line for line in native if line.startswith(("import ", "from "))]
    lines = native[len(imports) :]
    imports += ["from embquant.quantize.codecs import load_codec"]
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


def _store_manifest(setting: pd.Series, config: Mapping[str, Any]) -> str:
    store = setting["rescore_store"]
    return f"stores/{store}{index_class(config['codecs'][store]['family'], 'flat').suffix}.json"
