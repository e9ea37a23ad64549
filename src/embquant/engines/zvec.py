"""zvec in this process: a collection with a vector per document, in files of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embquant.engines.base import Engine, numbered
from embquant.engines.zvec_words import BUILT, PARAMS, RABITQ_DIMENSIONS, SEARCHED, ZvecBuild, ZvecSearch
from embquant.errors import InputError
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import Codec, CodecSpec
from embquant.quantize.extent import Extent

AT_ONCE = 1000
"""Documents of an insert."""

COLLECTION, VECTOR = "collection", "vector"


class Zvec(Engine):
    """A collection compared by inner product. https://zvec.org."""

    engine = "zvec"
    packages = ("zvec",)
    varies = True
    maps_files = True
    overhead = 3.0
    breadth = "ef or nprobe"
    build_parameters = ZvecBuild
    search_parameters = ZvecSearch
    originals_in = (f"{COLLECTION}/*/{VECTOR}.index.*",)
    searched_in = (f"{COLLECTION}/*/{VECTOR}.qindex.*",)

    @classmethod
    def code_bytes(cls, codec: Codec, build: ZvecBuild) -> int:
        """Return the bytes of a code, with the numbers that zvec keeps beside it."""
        dim = codec.dim
        if build.is_rabitq:
            signs, more = -(-dim // 64) * 8, -(-dim // 64) * 8 * (build.total_bits - 1)
            return signs + 12 + (more + 8 if more else 0)
        return {None: 4 * dim, "FP16": 2 * dim, "INT8": dim + 20, "INT4": dim // 2 + 16}[build.quantize_type]

    @classmethod
    def looks_through_originals(cls, build: ZvecBuild, search: ZvecSearch) -> bool:
        """Say yes without a quantizer: it searches codes alone, and its refiner reads the vectors of candidates."""
        return build.quantize_type is None and not build.is_rabitq

    @classmethod
    def scans_all(cls, build: ZvecBuild, search: ZvecSearch) -> bool:
        """Say yes of a flat index, and where all lists are looked at."""
        lists = build.lists
        return build.index == "flat" or (lists is not None and (search.nprobe or 10) >= lists)

    @classmethod
    def same_codes(cls, build: ZvecBuild, search: ZvecSearch) -> tuple[Any, ...]:
        """Return the quantizer, and how its candidates are refined; nothing without one.

        Codes of RaBitQ are of one index alone.
        """
        if cls.looks_through_originals(build, search):
            return ()
        refined = search.model_dump(include={"is_using_refiner", "scale_factor"})
        return build if build.is_rabitq else (build.quantize_type, build.enable_rotate), refined

    @classmethod
    def obstacle(cls, codec: CodecSpec, extent: Extent, build: ZvecBuild) -> str | None:
        """Say that a quantizer doesn't take as many dimensions; None if it does."""
        if build.is_rabitq and extent.dim not in RABITQ_DIMENSIONS:
            return f"vectors have {extent.dim} dimensions; zvec's RaBitQ takes 64 to 4095"
        if build.quantize_type == "INT4" and extent.dim % 2:
            return f"vectors have {extent.dim} dimensions; zvec's INT4 takes an even number"
        return None

    @classmethod
    def create(cls, folder: Path, vectors: Batches, parameters: ZvecBuild) -> None:
        """Insert the documents, then let zvec quantize them and build the index on all cores."""
        import zvec

        words = parameters.model_dump(include=set(BUILT[parameters.index]), exclude={"quantize_type", "enable_rotate"})
        if parameters.quantize_type:
            words["quantize_type"] = getattr(zvec.QuantizeType, parameters.quantize_type)
            words["quantizer_param"] = zvec.QuantizerParam(enable_rotate=parameters.enable_rotate)
        index = getattr(zvec, f"{PARAMS[parameters.index]}IndexParam")(metric_type=zvec.MetricType.IP, **words)
        column = zvec.VectorSchema(VECTOR, zvec.DataType.VECTOR_FP32, vectors.dim, index_param=index)
        collection = zvec.create_and_open(str(folder / COLLECTION), zvec.CollectionSchema("vectors", vectors=column))
        for rows, batch in numbered(vectors, AT_ONCE):
            pairs = zip(rows, batch, strict=True)
            inserted = collection.insert([zvec.Doc(id=str(row), vectors={VECTOR: vector}) for row, vector in pairs])
            if refused := [status for status in inserted if not status.ok()]:
                raise RuntimeError(refused[0].message())
        collection.optimize()
        collection.flush()
        collection.close()

    def __init__(self, folder: Path, parameters: ZvecSearch) -> None:
        """Open the collection; it says which index it has."""
        import zvec

        self._zvec = zvec
        self._collection: Any = zvec.open(str(folder / COLLECTION), zvec.CollectionOption(read_only=True))
        self.close = self._collection.close
        kind = self._collection.schema.vectors[0].index_param.type.name.lower()
        words = parameters.model_dump(exclude_none=True)
        if wrong := [word for word in words if word not in SEARCHED[kind]]:
            self.close()
            raise InputError(f"search: an index {kind} of zvec has no {wrong[0]}")
        self._params = getattr(zvec, f"{PARAMS[kind]}QueryParam")(**words) if SEARCHED[kind] else None

    def count(self) -> int:
        """Return the number of documents."""
        return int(self._collection.stats.doc_count)

    def find(self, query: np.ndarray, k: int) -> tuple[Sequence[int], Sequence[float]]:
        """Return ids and scores."""
        asked = self._zvec.Query(VECTOR, vector=query.tolist(), param=self._params)
        found = self._collection.query(asked, topk=k, output_fields=[])
        return [int(document.id) for document in found], [document.score for document in found]
