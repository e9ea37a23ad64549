"""The same study as if documents had been added later: all that is fitted is fitted on the documents of ``fit_on``.

A codec, index or method that this changes has a name of its own, which no configuration can give.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embquant.study.config import Configuration
    from embquant.study.study import Study

DRIFTED = "_drifted"
"""The end of such a name."""


def is_drifted(name: str) -> bool:
    """Tell whether the codec, index or method of that name is fitted on the documents of ``fit_on``."""
    return name.endswith(DRIFTED)


def drifted(name: str, changes: bool) -> str:
    """Return the name that a codec, index or method has then, if it ``changes``."""
    return f"{name}{DRIFTED}" if changes else name


def undrifted(name: str) -> str:
    """Return what it is called in the configuration."""
    return name.removesuffix(DRIFTED)


def drifted_configuration(study: "Study") -> "Configuration":
    """Return the configuration of a study whose codecs and indexes are fitted on some of the documents.

    A method changes if its codec or its index does, or one of its rescore stores.
    """
    config = study.config
    codecs = {name: drifted(name, entry.spec.learns) for name, entry in config.codecs.items()}
    methods = {}
    for name, method in study.methods.items():
        entry = method.entry
        changed = method.learns or any(study.codecs[store].learns for store in method.rescore_stores)
        index_name = drifted(entry.index_name, method.learns)
        methods[drifted(name, changed)] = entry.with_codes(codecs[entry.codec], index_name)
    stores = [codecs[store] for store in config.rescore.stores]
    return config.model_copy(
        update={
            "codecs": {codecs[name]: entry for name, entry in config.codecs.items()},
            "methods": methods,
            "rescore": config.rescore.model_copy(update={"stores": stores}),
        }
    )
