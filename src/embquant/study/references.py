"""Checks across the entries of a configuration: names that are used are defined, and the pieces fit together."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from embquant.entries import mistake, nearest, read_entry
from embquant.errors import InputError
from embquant.indexes import index_class
from embquant.measure.metrics import parse_metric
from embquant.quantize.codecs import CODECS
from embquant.study import NO_STORE
from embquant.study.layout import RESERVED

if TYPE_CHECKING:
    from embquant.study.config import Configuration
    from embquant.study.method_entry import MethodEntry

RESERVED_DATASETS = {
    "all": "the reports call all datasets together so",
    **{name: f"results/{name} has another use" for name in RESERVED},
}
"""Names that no dataset can have, and why."""

Result = TypeVar("Result")


def check_references(config: "Configuration") -> None:
    """Check names and combinations; what is wrong is raised as a validator of the configuration does."""
    _check_datasets(config)
    if NO_STORE in config.codecs:
        raise mistake(f"a codec can't be called {NO_STORE!r}, which stands for no rescoring", "codecs")
    _check_precisions(config)
    for method in config.methods.values():
        _check_defined(method.codec, config.codecs, "methods", method.index_name, "codec")
        _check_method(method, config.codecs[method.codec].spec.family.family)
    for store in config.rescore.stores:
        _check_defined(store, config.codecs, "rescore", "stores")
    _check_baseline(config)
    _check_required_metrics(config)
    _check_stages(config)


def _check_baseline(config: "Configuration") -> None:
    """Check that the baseline is an exact search of the models' vectors, or of the codes that stand for them."""
    reference = config.reference
    for name, model in config.models.items():
        if model.reference != reference:
            own, others = (f"{kind} codes alone" if kind else "float vectors" for kind in (model.reference, reference))
            what = f"it has {own}, the first model has {others}, and nothing can be compared with both"
            raise mistake(f"{what}; put it into a study of its own", "models", name)
    if reference is not None:
        _check_codes_alone(config, reference)
    _check_defined(config.baseline, config.methods, "baseline")
    baseline = config.methods[config.baseline]
    if reference is None and (baseline.index != "flat" or config.codecs[baseline.codec].spec.is_encoded):
        raise mistake(f"{config.baseline!r} is not a float32 codec with a flat index", "baseline")


def _check_codes_alone(config: "Configuration", reference: str) -> None:
    """Check that the baseline scans the codes ``reference`` exactly, and that nothing passes for float32."""
    for name, codec in config.codecs.items():
        if not codec.spec.is_encoded:
            raise mistake("the models have no float vectors, so nothing can be stored as float32", "codecs", name)
    for name in (config.study, *config.datasets, *config.models, *config.codecs, *config.methods):
        if "float32" in name:  # reports have the baseline's name in place of that word
            raise mistake(f"the models have no float vectors, so nothing can be called {name!r}; leave float32 out")
    baseline = config.methods.get(config.baseline)
    spec = None if baseline is None else config.codecs[baseline.codec].spec
    if baseline is None or spec is None or spec.precision != reference or baseline.index != "flat":
        what = f"{config.baseline!r} is no method of a codec with codes: {reference} and of a flat index"
        raise mistake(f"{what}, which is what models without float vectors are compared with", "baseline")
    if (baseline.scoring or spec.family.scorings[0]) != (exact := spec.family.exact_scoring):
        what = f"the baseline compares codes exactly only with scoring: {exact}"
        raise mistake(f"{what}; add it", "methods", config.baseline)


def _check_stages(config: "Configuration") -> None:
    """Check that what is fused is searched for, and that a recommendation can be judged after a stage."""
    fusion = config.fusion
    stage = config.requirements.judge_after
    if stage is not None:
        if getattr(config, stage) is None:
            raise mistake(f"judge_after is {stage!r}, but the study has no {stage}", "requirements")
        if config.requirements.chooses_among_models:
            raise mistake("judge_after can't be used beside what is required of quality itself", "requirements")
    if fusion is not None and fusion.run is None and config.bm25 == "none":
        raise mistake("with is 'bm25', which bm25: none leaves out", "fusion")
    for name, entry in (("fusion", fusion), ("reranker", config.reranker)):
        if entry is not None and entry.depth is not None and entry.depth not in config.top_k:
            raise mistake(f"depth is {entry.depth}, expected one of top_k: {', '.join(map(str, config.top_k))}", name)


def _check_required_metrics(config: "Configuration") -> None:
    """Check that the study measures the metrics of ``min_quality``, and that they are of judged quality."""
    judged = [metric for metric in config.metrics if parse_metric(metric).judged]
    depths = [top_k for top_k in config.top_k for metric in judged[:1] if (parse_metric(metric).cutoff or 0) <= top_k]
    for name in config.requirements.min_quality or {}:
        if name not in judged:
            what = f"{name!r} is none of the study's judged metrics ({', '.join(judged) or 'none'})"
            raise mistake(f"{what}; name one of them, or add it to metrics", "requirements", "min_quality")
        if depths and (parse_metric(name).cutoff or 0) > min(depths):
            what = f"{name!r} has no value at top_k {min(depths)}, by which settings are judged; name another metric"
            raise mistake(what, "requirements", "min_quality")


def _check_datasets(config: "Configuration") -> None:
    for name, dataset in config.datasets.items():
        if name in RESERVED_DATASETS:
            raise mistake(f"a dataset can't be called {name!r}: {RESERVED_DATASETS[name]}", "datasets")
        for member in dataset.members():
            _check_defined(member, config.datasets, "datasets", name, "datasets")
            if config.datasets[member].members():
                raise mistake("the members of a pooled dataset can't be pooled themselves", "datasets", name)
    for name in config.evaluate or []:
        _check_defined(name, config.datasets, "evaluate")


def _check_precisions(config: "Configuration") -> None:
    """Check that a model has the codes of each codec that reads a provider's."""
    given = {name for model in config.models.values() for name in model.code_widths(1)}
    for name, codec in config.codecs.items():
        if codec.spec.precision and codec.spec.precision not in given:
            what = f"codes is {codec.spec.precision!r}, which no model has under precisions; name the files there"
            raise mistake(what, "codecs", name)


def _check_method(method: "MethodEntry", family: str) -> None:
    """Check that there is such an index, its scoring, and its parameters of building and searching."""
    place = ("methods", method.index_name)
    index = _in_place(place, lambda: index_class(family, method.index))
    known = index.scorings(CODECS[family])
    if method.scoring is not None and method.scoring not in known:
        what = f"a {method.index} index of {family} codes"
        raise mistake(f"{what} has only the scoring {', '.join(known)}", *place)
    _in_place((*place, "build"), lambda: read_entry(index.build_parameters, method.build))
    _in_place((*place, "search"), lambda: read_entry(index.search_parameters, method.search))


def _in_place(place: tuple[str, ...], check: Callable[[], Result]) -> Result:
    """Call a check of the library and put the place in the configuration before its message."""
    try:
        return check()
    except InputError as error:
        raise mistake(str(error), *place) from None


def _check_defined(name: str, names: Iterable[str], *place: str) -> None:
    if name not in names:
        raise mistake(f"{name!r} is not defined{nearest(name, names)}", *place)
