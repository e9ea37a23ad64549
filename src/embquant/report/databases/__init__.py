"""What is equal to a setting in databases, each in its own language. One module per database, or two that are alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from embquant.report.databases import elastic, lancedb, milvus, pgvector, qdrant, sqlite_vec, vespa, weaviate, zvec
from embquant.report.databases.base import FLOATS, Database, Equal, NoEqual, Wanted
from embquant.study import NO_STORE
from embquant.study.study import Study

DATABASES = [
    Database("Qdrant", "http", qdrant.equal, "qdrant", qdrant.understood),
    Database("PostgreSQL with pgvector", "sql", pgvector.equal, "pgvector", pgvector.understood),
    Database("Elasticsearch", "http", elastic.elasticsearch),
    Database("OpenSearch", "http", elastic.opensearch),
    Database("LanceDB", "python", lancedb.equal, "lancedb", lancedb.understood),
    Database("Milvus", "python", milvus.equal),
    Database("Weaviate", "python", weaviate.equal),
    Database("Vespa", "text", vespa.equal),
    Database("SQLite with sqlite-vec", "sql", sqlite_vec.equal, "sqlite-vec", sqlite_vec.understood),
    Database("zvec", "python", zvec.equal, "zvec", zvec.understood),
]


@dataclass(frozen=True)
class Answer:
    """What is equal to a setting in a ``database``: ``text`` in its ``language``; empty if there is nothing.

    ``mark`` says what this study knows of it. ``differs`` says in which respects it is not quite equal, or why there is
    no equal; nothing where it is the setting itself, in the database that ran it.
    """

    database: str
    language: str
    text: str
    mark: str
    differs: str


def answers(setting: Mapping[str, Any] | pd.Series, study: Study, corpus: tuple[int, int]) -> list[Answer]:
    """Return what is equal to ``setting`` in each database, in a ``corpus`` of so many documents and dimensions.

    ``setting`` has ``method``, ``rescore_store``, ``rescore_multiplier`` and ``top_k``.
    """
    method, store, top_k = study.methods[setting["method"]], setting["rescore_store"], int(setting["top_k"])
    try:
        if method.index_class.is_database:
            wanted = _understood(study, method.name, corpus[1], top_k)
        elif store == NO_STORE:
            wanted = Wanted.of(method, None, 1, top_k, corpus)
        else:
            wanted = Wanted.of(method, study.codecs[store], int(setting["rescore_multiplier"]), top_k, corpus)
    except NoEqual as reason:
        return [Answer(database.name, database.language, "", "", f"no equal: {reason}") for database in DATABASES]
    return [_answer(database, wanted, study, method.name, corpus[1]) for database in DATABASES]


def transforms_of(method: str, study: Study) -> list[str]:
    """Return the names of the transforms that a database has to get vectors from, in their order."""
    written = study.codec_entry(study.methods[method].entry.codec).get("transform", [])
    kinds = written if isinstance(written, list) else [written]
    return [kind["kind"] if isinstance(kind, dict) else kind for kind in kinds]


def _understood(study: Study, name: str, dim: int, top_k: int) -> Wanted:
    """Return what a method does that a database runs."""
    method = study.methods[name]
    for database in DATABASES:
        if database.understood and database.engine == method.entry.index:
            return database.understood(method, dim, top_k)
    raise NoEqual(f"nothing is known of the index {method.entry.index}")


def _answer(database: Database, wanted: Wanted, study: Study, method: str, dim: int) -> Answer:
    """Return what is equal to ``wanted``, which is what ``method`` does, in a database."""
    try:
        if wanted.store and wanted.code in FLOATS:
            raise NoEqual("it ranks by the numbers that it stores; there is nothing finer to rescore with")
        found = database.equal(wanted)
    except NoEqual as reason:
        return Answer(database.name, database.language, "", "", f"no equal: {reason}")
    source = "the floats" if study.config.reference is None else "numbers that are codes already"
    provider = [f"codes are made of {source}, they aren't the provider's"] if wanted.codec.precision else []
    measured = [name for name in study.methods if _does(study, name, database, found, dim, wanted.top_k)]
    differs = "" if method in measured else "; ".join([*provider, *found.differs])
    mark = f"measured here as {', '.join(measured)}" if measured else "not measured" if differs else "emulated"
    return Answer(database.name, database.language, found.text, mark, differs)


def _does(study: Study, name: str, database: Database, found: Equal, dim: int, top_k: int) -> bool:
    """Tell whether a method of the study is run by ``database``, and would be written in the same way."""
    if study.methods[name].entry.index != database.engine:
        return False
    try:
        return database.equal(_understood(study, name, dim, top_k)).text == found.text
    except NoEqual:
        return False


__all__ = ["DATABASES", "Answer", "answers", "transforms_of"]
