"""What a study's stages will take, from the rate of embedding measured here and from what the others took elsewhere.

Constants that name a page are measured there, on two cores of an AMD EPYC or an Intel Xeon; the others are rough,
chosen so that the stages of the default study come out. Another machine is another factor: minutes are told from
hours.
"""

from dataclasses import dataclass

from embquant.measure.speed import BATCH_SECONDS, FEWEST_IN_BATCH
from embquant.quantize.codecs import CodecSpec
from embquant.steps.time_embedding import DOCUMENTS, QUERIES
from embquant.study.calibration import Rate
from embquant.study.outline import MethodOutline, Outline
from embquant.study.sizes import Corpus

JOB_SECONDS = 2.0
"""Core seconds that a job takes to start: Python, NumPy, FAISS and its kin."""
ENCODE_SECONDS = 1e-7
"""Core seconds a dimension of a vector: reading it, fitting a codec, encoding and storing it (docs/scaling.md: 2e-5 s
a vector of 384 dimensions for fitting and encoding int8, as much for reading and writing)."""
GRAPH_SECONDS = 3e-4
"""Core seconds of a vector that is added to an HNSW graph (the manifest of the default study's: 2.6 s for 9,870)."""
LEARN_FLOPS = 5e9
"""Operations a core second while centroids or rotations are learnt."""
IVF_ITERATIONS = 10
"""Rounds of k-means that an inverted file's centroids are found in (``indexes/ivf.py``)."""
PRODUCT_FLOPS = 2e10
"""Operations a core second of an exact scan of a batch, its selection of candidates included."""
SCAN_BYTES = 2.5e10
"""Bytes a second that a single query's scan reads, on all cores: 1.5e10 on the Xeon, 4.1e10 on the EPYC."""
CANDIDATE_SECONDS = 1.5e-6
"""Core seconds of a candidate that is scored again, ranked or written."""
QUERY_SECONDS = 5e-5
"""Seconds of a query, whatever is searched."""
CELL_SECONDS = 1e-5
"""Core seconds of all metrics of a query at one setting."""
BATCH_GAIN = 3.5
"""How many times faster a query of a batch is than one alone (`config/scale.yaml`: 2 to 11)."""
COMPARE_SECONDS = 6e-5
"""Seconds of a query at one setting with all the resamples of its interval and its tests."""


@dataclass(frozen=True)
class Stage:
    """A stage of the work: how many seconds it takes by the clock, in how many jobs."""

    name: str
    seconds: float
    jobs: int


def stages(outline: Outline, corpus: Corpus, cores: int, jobs_beside: int, rate: Rate | None) -> list[Stage]:
    """Return the stages of a dataset with a model.

    ``jobs_beside`` parts are embedded beside each other, each at ``rate``; None where nothing is embedded.
    """
    embedding = outline.parts * JOB_SECONDS / jobs_beside
    alone = sum(_timing(outline, name, corpus) + 2 * JOB_SECONDS for name in outline.methods)
    if rate is not None:
        embedding += rate.seconds(corpus.embedded, corpus.queries) / jobs_beside
        alone += outline.rounds * (rate.seconds(0, QUERIES) + rate.seconds(DOCUMENTS, 0) / cores)
    methods = outline.methods
    codecs = {name: outline.codecs[name] for name in [*outline.stores, *(own.codec for own in methods.values())]}
    jobs = {
        "quantizing": len(codecs) + outline.parts * sum(spec.is_encoded for spec in codecs.values()),
        "indexing": len(outline.stores) + len(outline.indexes) + len(methods),
        "searching": len(methods),
        "evaluating": len(methods),
    }
    beside = {
        "quantizing": sum(_fitting(spec, corpus) for spec in codecs.values()),
        "indexing": sum(_building(own, corpus) for own in outline.indexes.values()),
        "searching": sum(_searching(own, corpus) for own in methods.values()),
        "evaluating": sum(_evaluating(outline, name, corpus) for name in methods),
    }
    reporting = outline.settings * corpus.queries * COMPARE_SECONDS
    return [
        Stage("embedding", embedding, outline.parts),
        *(Stage(name, (seconds + jobs[name] * JOB_SECONDS) / cores, jobs[name]) for name, seconds in beside.items()),
        Stage("timing", alone, 2 * len(methods)),
        Stage("reporting", reporting + JOB_SECONDS, 1),
    ]


def _fitting(spec: CodecSpec, corpus: Corpus) -> float:
    """Core seconds of fitting a codec, encoding the corpus and writing the store."""
    seconds = 2 * corpus.documents * corpus.dim * ENCODE_SECONDS
    if hasattr(spec.parameters, "iterations"):
        training = min(corpus.documents, spec.parameters.training)
        seconds += 2.0 * training * (corpus.dim << spec.parameters.bits) * spec.parameters.iterations / LEARN_FLOPS
    for transform in spec.transforms:
        training = min(corpus.documents, getattr(transform.parameters, "training", 0))
        iterations = getattr(transform.parameters, "iterations", 0)
        seconds += 2.0 * training * corpus.dim**2 * iterations / LEARN_FLOPS
    return seconds


def _building(method: MethodOutline, corpus: Corpus) -> float:
    """Core seconds of building an index."""
    if method.index == "hnsw":
        return corpus.documents * GRAPH_SECONDS
    if method.index == "ivf":
        training = min(corpus.documents, method.build.get("training", 50_000))
        lists = min(corpus.documents, method.build.get("lists") or round(4 * corpus.documents**0.5))
        return 2.0 * IVF_ITERATIONS * training * lists * corpus.dim / LEARN_FLOPS
    return corpus.documents * corpus.dim * ENCODE_SECONDS


def _searching(method: MethodOutline, corpus: Corpus) -> float:
    """Core seconds of finding all queries' candidates."""
    found = sum(method.depths[-1:] if method.exact else method.depths) * corpus.queries
    products = 2.0 * corpus.queries * corpus.documents * corpus.dim if method.exact else 0
    return products / PRODUCT_FLOPS + found * CANDIDATE_SECONDS


def _evaluating(outline: Outline, name: str, corpus: Corpus) -> float:
    """Core seconds of scoring the candidates by every store, and of the metrics of every setting."""
    scored = outline.methods[name].depths[-1] * (len(outline.methods[name].stores) + 1)
    return corpus.queries * (scored * CANDIDATE_SECONDS + len(outline.cells(name)) * outline.metrics * CELL_SECONDS)


def _timing(outline: Outline, name: str, corpus: Corpus) -> float:
    """Seconds of timing a method and, beside it, the baseline, in all rounds."""
    method = outline.methods[name]
    own = outline.codecs[method.codec].code_bytes(corpus.dim) if method.exact else 0
    seconds = 2 * len(outline.top_k) * _timed(outline, corpus, 4 * corpus.dim, max(outline.top_k))
    for cell in outline.cells(name):
        seconds += _timed(outline, corpus, own, cell.depth if cell.multiplier > 1 else cell.top_k)
    return seconds


def _timed(outline: Outline, corpus: Corpus, width: int, depth: int) -> float:
    query = QUERY_SECONDS + corpus.documents * width / SCAN_BYTES + depth * CANDIDATE_SECONDS
    singles = min(outline.single_queries, corpus.queries)
    batch = min(BATCH_SECONDS, corpus.queries * query / BATCH_GAIN)
    return outline.rounds * (singles * query + batch) + FEWEST_IN_BATCH * query
