"""The command ``measure-memory``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from embquant.files.atomic import write_json
from embquant.files.inapplicable import passed_on, why_inapplicable
from embquant.files.records import checked
from embquant.indexes.manifest import Manifest, check_files
from embquant.measure.memory import measure_in_processes
from embquant.retrieve.retriever import Method, manifest_of
from embquant.study import NO_STORE


def measure_memory(
    *,
    method_file: Annotated[Path, "definition of the method"],
    baseline_file: Annotated[Path, "definition of the baseline"],
    candidates: Annotated[Sequence[Path], "what the method and the baseline find, which may be nothing"] = (),
    query_vectors: Annotated[Path, "query embeddings"],
    stores: Annotated[Mapping[str, Path], "rescore stores and their manifests"] = {},
    depth: Annotated[int, "candidates of the search whose peak is measured"],
    output: Annotated[Path, "bytes per setting (JSON)"],
) -> None:
    """Measure the memory of a method.

    The method without rescoring, and with each rescore store, is measured in a process of its own. Rescore stores that
    can't be are left out.
    """
    if any(passed_on(path, output) for path in (method_file, *candidates)):
        return
    stores = {name: path for name, path in stores.items() if why_inapplicable(path) is None}
    method = Method.read(method_file)
    index = manifest_of(method_file)
    described = Manifest.read(index)
    baseline = Manifest.read(manifest_of(baseline_file))
    index_bytes = (index.parent / described.file).stat().st_size
    for manifest in (index, *stores.values()):
        check_files(manifest)
    checked(query_vectors)
    all_stores: dict[str, Path | None] = {NO_STORE: None, **stores}
    measured = measure_in_processes(method_file, list(all_stores.values()), query_vectors, depth)
    settings = [
        {
            "rescore_store": name,
            "vectors": described.vectors,
            "dim": described.dim,
            "bytes_per_vector": described.bytes_per_vector,
            "vector_bytes": described.vectors * described.bytes_per_vector,
            "index_file_bytes": index_bytes,
            "store_file_bytes": (store.parent / Manifest.read(store).file).stat().st_size if store else 0,
            "compression_vs_float32": 4 * baseline.vectors * baseline.dim / index_bytes,
            **taken,
        }
        for (name, store), taken in zip(all_stores.items(), measured, strict=True)
    ]
    write_json(output, {"method": method.name, "settings": settings})
