# The resources that the jobs of each rule ask for. docs/cluster.md has the measurements behind the numbers.
import json
import os
from pathlib import Path
from typing import NamedTuple

from embquant.files.parquet import count_rows

MINILM_MB = 91
"""Size of the weights of the model that was measured; a larger model takes longer in proportion."""

MINUTES_PER_MB = 10
"""Minutes in which that model embeds a MB of corpus.parquet (compressed text) on one thread."""


class Need(NamedTuple):
    """MB of memory, minutes of run time, and what each MB of input and each thread add."""

    memory: int
    minutes: int
    memory_per_mb: float = 0  # per MB that the job loads; other input is streamed or mapped
    bytes_per_candidate: int = 0  # per candidate of all queries at the deepest search: rows, scores and orders
    memory_per_thread: int = 0  # what a reranker computes at once
    minutes_per_gb: float = 0  # per GB of all input


NEEDS = {
    "prepare_dataset": Need(1500, 60, memory_per_mb=2, minutes_per_gb=60),
    "prepare_model": Need(3000, 30),
    "embed_queries": Need(1500, 30),
    "calibrate": Need(1500, 30),
    "plan_study": Need(500, 10),
    "embed_corpus": Need(1500, 30),
    "place_embeddings": Need(1200, 2, minutes_per_gb=5),
    "build_store": Need(1000, 40, memory_per_mb=1.3, minutes_per_gb=25),
    "build_index": Need(1000, 60, memory_per_mb=3, minutes_per_gb=600),
    "define_method": Need(500, 5),
    "search_index": Need(1000, 60, memory_per_mb=1.3, bytes_per_candidate=250, minutes_per_gb=60),
    "search_part": Need(1000, 60, memory_per_mb=1.3, bytes_per_candidate=250, minutes_per_gb=60),
    "merge_candidates": Need(1000, 30, bytes_per_candidate=250),
    "search_bm25": Need(1000, 30, memory_per_mb=20, bytes_per_candidate=250, minutes_per_gb=600),
    "read_run": Need(1000, 30, memory_per_mb=30),
    "evaluate_run": Need(1000, 30, bytes_per_candidate=250, minutes_per_gb=20),
    "rerank": Need(1500, 600, memory_per_mb=8, bytes_per_candidate=250, memory_per_thread=1200, minutes_per_gb=600),
    "time_search": Need(1500, 60, memory_per_mb=1.2, bytes_per_candidate=250, minutes_per_gb=60),
    "time_embedding": Need(1500, 30),
    "measure_memory": Need(1000, 30, memory_per_mb=1.2, minutes_per_gb=10),
    "explain_losses": Need(2000, 60, minutes_per_gb=20),
    "join_reports": Need(1500, 30, minutes_per_gb=60),
    "write_report": Need(2000, 30),
}


def memory(rule):
    """Return the memory (MB) that a rule's jobs ask for, in proportion to the attempt.

    Some clusters count mapped pages of files as a job's memory, and kill the job for them. So from its second attempt on,
    a job asks for the size of its files as well.
    """
    need = NEEDS[rule]

    def of_job(wildcards, input, attempt, threads):
        share = STUDY.codecs[wildcards.codec].bits / 32 if "codec" in wildcards.keys() else 1  # of float32's bytes
        own = need.memory_per_mb * share * size_mb(input.get("loaded", input)) + need.memory_per_thread * threads
        weights = 4 * weights_mb(input.model) if "model" in input.keys() else 0
        found = need.bytes_per_candidate * candidates(wildcards, input) / 1e6 if need.bytes_per_candidate else 0
        return round(attempt * (need.memory + own + weights + found) + (attempt > 1) * size_mb(input))

    return of_job


def minutes(rule):
    """Return the run time (minutes) that a rule's jobs ask for, in proportion to the attempt."""
    need = NEEDS[rule]

    def of_job(wildcards, input, attempt):
        return round(attempt * max(1, slowness(input)) * (need.minutes + need.minutes_per_gb * size_mb(input) / 1000))

    return of_job


def slowness(input):
    """Return how many times slower than all-MiniLM-L6-v2 the job's model is; 0 if it runs none."""
    return weights_mb(input.model) / MINILM_MB if "model" in input.keys() else 0


def minutes_of_embedding(wildcards, input, attempt):
    """Return the run time (minutes) of embedding a part: in proportion to its text and to the model's weights."""
    part_mb = size_mb([input.corpus]) / STUDY.config.parts
    return round(attempt * (30 + part_mb * (MINUTES_PER_MB * slowness(input) + 0.01)))


def candidates(wildcards, input):
    """Return how many candidates the deepest search, of a method or by words, finds for all queries together."""
    size_mb(input.queries)  # raises what Snakemake expects if the file doesn't exist yet
    depths = method(wildcards).searched_depths if "method" in wildcards.keys() else [STUDY.config.depth_with_ties]
    with mistakes_in_one_line():
        return count_rows(map(Path, as_list(input.queries))) * max(depths)


def gpus(wildcards):
    """Return the GPUs of a job that runs a model: one if the configuration says device: cuda."""
    return 1 if getattr(STUDY.config.models[wildcards.model], "device", None) == "cuda" else None


def size_mb(files):
    """Return the size of one or more files; in a dry run some don't exist yet, and Snakemake writes <TBD>."""
    return sum(map(os.path.getsize, as_list(files))) / 1e6


def weights_mb(model):
    """Return the size of the weights that a model.json names; 0 for precomputed embeddings."""
    folder = json.loads(Path(model).read_text("utf-8")).get("folder")
    files = (file for kind in ("safetensors", "bin") for file in Path(folder).glob(f"*.{kind}")) if folder else []
    return size_mb(files)
