"""Braces, which Snakemake takes for wildcards, in whatever a user names: folders, files, prompts, texts of a study."""

import shutil

import numpy as np
import pytest

from support.small_study import DOCUMENTS, QUERIES, new_checkout, report, study

pytestmark = pytest.mark.workflow

FLAT = {name: {"codec": name, "index": "flat"} for name in ("float32", "binary")}


def write_vectors(folder, dataset):
    """Write vectors of which each query's is that of its document, with their ids beside them."""
    folder.mkdir()
    vectors = np.random.default_rng(0).standard_normal((len(DOCUMENTS), 16)).astype(np.float32)
    np.save(folder / f"{dataset}.npy", vectors)
    np.save(folder / f"{dataset}-queries.npy", vectors[list(QUERIES.values())])
    (folder / f"{dataset}.txt").write_text("".join(f"d{row}\n" for row in range(len(DOCUMENTS))))
    (folder / f"{dataset}-queries.txt").write_text("".join(f"q{row}\n" for row in range(len(QUERIES))))


def test_folders_files_and_texts_with_braces_are_taken_literally(tmp_path):
    checkout = new_checkout(tmp_path / "checkout {dataset} {x}")
    write_vectors(checkout.folder / "vectors {x}", "facts")
    shutil.move(checkout.folder / "input", checkout.folder / "input {wildcards.part}")
    at = "vectors {x}/{dataset}"  # here {dataset} is the configuration's own word
    files = {
        "corpus": f"{at}.npy",
        "queries": f"{at}-queries.npy",
        "ids": f"{at}.txt",
        "query_ids": f"{at}-queries.txt",
    }
    price = {"usd_per_gb_month": 1, "source": "{nobody} {{knows}} {"}
    checkout.configure(
        datasets={"facts": {"source": "files", "path": "input {wildcards.part}"}},
        models={"given": {"type": "precomputed", **files}},
        codecs={name: {"family": name} for name in FLAT},
        methods=FLAT,
        rescore={"stores": []},
        parts=1,
        top_k=[10],
        prices={"memory": price, "disk": price},
    )
    (checkout.folder / "study.yaml").rename(checkout.folder / "study {y}.yaml")
    status, output = checkout.snakemake("--configfile", "study {y}.yaml")
    assert status == 0, output
    retrieval = report(checkout, "retrieval")
    assert retrieval.loc[retrieval["method"] == "float32", "nDCG@10"].tolist() == [1]

    (checkout.folder / "study {y}.yaml").rename(checkout.folder / "study.yaml")
    assert checkout.jobs() == {}
    changed = checkout.folder / "vectors {x}" / "facts-queries.npy"
    np.save(changed, -np.load(changed))
    jobs = checkout.jobs()
    assert {"embed_queries", "prepare_model"} <= set(jobs), "a file that can't be an input is watched all the same"


def test_a_prompt_with_braces_is_a_text(fresh):
    model = {**study()["models"]["minilm"], "query_prompt": "{dataset} {x}: ", "document_prompt": "{{doc}} {"}
    fresh.configure(models={"minilm": model})
    assert fresh.jobs()["embed_queries"] == 1
