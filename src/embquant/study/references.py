"""Checks across the entries of a configuration: names that are used are defined, and the pieces fit together."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from embquant.entries import mistake, nearest, read_entry
from embquant.errors import InputError
from embquant.indexes import index_class
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
    _check_defined(config.baseline, config.methods, "baseline")
    baseline = config.methods[config.baseline]
    if baseline.index != "flat" or config.codecs[baseline.codec].spec.is_encoded:
        raise mistake(f"{config.baseline!r} is not a float32 codec with a flat index", "baseline")


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
