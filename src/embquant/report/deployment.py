"""How a setting is deployed: the configuration that builds it, and the Python that searches it."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from embquant.study import NO_STORE
from embquant.study.study import Study


def configuration(setting: pd.Series, study: Study) -> str:
    """Return the part of a study's YAML that builds ``setting`` and float32 alone.

    Datasets and models stay as they are, but for a setting that was chosen among models: it has a ``model``, which is
    then the only one. ``setting`` has ``method``, ``rescore_store``, ``rescore_multiplier`` and ``top_k``.
    """
    config = study.config
    methods = dict.fromkeys([config.baseline, setting["method"]])
    codecs = dict.fromkeys(config.methods[name].codec for name in methods)
    rescored = setting["rescore_store"] != NO_STORE
    if rescored:
        codecs[setting["rescore_store"]] = None
    written = config.to_dict()
    models = {"models": {setting["model"]: written["models"][setting["model"]]}} if "model" in setting else {}
    part: dict[str, Any] = {
        **models,
        "codecs": {name: written["codecs"][name] for name in codecs},
        "methods": {name: config.methods[name].model_dump(exclude_defaults=True) for name in methods},
        "baseline": config.baseline,
        "top_k": [int(setting["top_k"])],
    }
    if rescored:
        stores, multipliers = [setting["rescore_store"]], [int(setting["rescore_multiplier"])]
        part["rescore"] = {"stores": stores, "multipliers": multipliers}
    return as_yaml(part)


def as_yaml(config: Mapping[str, Any]) -> str:
    """Return a configuration as YAML, one entry per line."""
    text = yaml.safe_dump(dict(config), default_flow_style=None, sort_keys=False, allow_unicode=True, width=10**6)
    return text.rstrip("\n")


def deployment_code(setting: pd.Series, study: Study, folder: str, own_documents: bool = False) -> str:
    """Return Python that searches ``setting`` as it was timed, in what a run put into ``folder``.

    ``folder`` is results/{dataset}/{model}. The code takes ``queries``, float32 (n, dim), and leaves ``rows``,
    positions in the corpus (n, top_k), best first. Besides what :func:`configuration` needs, ``setting`` has
    ``threads`` and, if it is float32's, the ``engine`` that was the fastest for single queries. With ``own_documents``,
    ``queries`` are those of the dataset, and each one's own document is left out.
    """
    store = setting["rescore_store"]
    manifest = "None"
    if store != NO_STORE:
        suffix = study.store_class(store).suffix
        manifest = f'folder / "stores/{store}{suffix}.json"'
    method, threads = f'folder / "methods/{setting["method"]}.json"', f"threads={setting['threads']:.0f}"
    without = ", without=own_rows" if own_documents else ""
    lines = [
        "from pathlib import Path",
        "from embquant import Retriever",
        f"folder = Path({json.dumps(folder, ensure_ascii=False)})",
        f"retriever = Retriever.open({method}, {manifest}, {threads})",
        f"_, rows = retriever.search(queries, {setting['top_k']}, {setting['rescore_multiplier']}{without})",
    ]
    if own_documents:
        lines.insert(1, "import pyarrow.parquet as pq")
        lines.insert(-1, 'own_rows = pq.read_table(folder.parent / "queries.parquet")["own_row"].to_numpy()')
    if setting["method"] == study.config.baseline and study.baseline.is_float32:
        engine = setting["engine"].split()[0]
        lines.insert(0, "from dataclasses import replace")
        lines.insert(-1, f'retriever = replace(retriever, index=retriever.index.with_engine("{engine}"))')
    return "\n".join([*lines, *_what_follows(study)])


def _what_follows(study: Study) -> list[str]:
    """Return a comment on the stage that the setting was judged after, if it was."""
    stage, fusion = study.config.requirements.judge_after, study.config.fusion
    if stage == "reranker":
        return ["# These rows are what the reranker is handed."]
    if stage is None or fusion is None:
        return []
    other = "BM25's" if fusion.run is None else f"those of {fusion.run}"
    return [f"# Fuse these rows with {other}: by the sum of 1 / ({fusion.k} + rank) over both lists, ranks from 1."]
