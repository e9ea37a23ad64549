# The helper functions of the rules, and nothing else; those of the configuration and of the plan are in configuration.smk
# and outline.smk.
import json
import platform
import shlex
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from embquant.files.atomic import remove_leftovers
from embquant.quantize.codecs import parse_codec
from embquant.datasets.spec import SOURCES, parse_dataset
from embquant.embedding.spec import PrecomputedSpec, parse_model
from embquant.errors import InputError
from embquant.embedding.backends import BACKENDS
from embquant.indexes import INDEXES, index_class, index_name
from embquant.files.provenance import code_digest, file_digest
from embquant.files.running import RunFolder

DATASET_FILES = ["corpus.parquet", "queries.parquet", "qrels.parquet", "dataset.json"]


def own_programs_first():
    """Return the start of every shell command: steps run the programs of Snakemake's environment, and end with it."""
    programs, study = shlex.quote(str(Path(sys.executable).parent)), shlex.quote(config_name())
    return f"PATH={programs}:$PATH; export EMBQUANT_PARENT=$PPID EMBQUANT_CONFIG={study}; "


def unlock_after_a_kill():
    """Remove the locks of a Snakemake that was killed; say who is at work if it wasn't."""
    folder = RunFolder()
    if workflow.is_main_process and not folder.unlock_if_dead():
        logger.warning(f"embquant: {folder.holder()}")


def hold_folder(study):
    """Hold the folder for this run, or end it, and clear away what killed jobs left half-written."""
    try:
        RunFolder().hold(study)
    except InputError as error:
        raise WorkflowError(f"embquant: error: {error}") from None
    if (
        workflow.executor_plugin.common_settings.local_exec
    ):  # jobs on a cluster may still write for a run that was killed
        remove_leftovers(Path("results"))


def canonical(value):
    """Write a parameter so that the same value is always the same text: Snakemake compares texts."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


@cache
def code(*modules):
    """Return a digest of the library modules that a rule uses, and the environment they run in."""
    locks = [file_digest(Path(workflow.basedir, "envs", name))[:16] for name in ("requirements.lock", "torch.lock")]
    return f"{code_digest(*modules)} {' '.join(locks)} Python {platform.python_version()}"


def family(codec):
    """Return the family of a codec of the study."""
    return config["codecs"][codec]["family"]


@cache
def codec_spec(codec):
    """Return a codec of the study as the library reads it."""
    return parse_codec(config["codecs"][codec])


def codec_modules(codec):
    """Return the library modules of a codec of the study: its family's and those of the transforms before it."""
    spec = codec_spec(codec)
    return spec.modules


def is_plain_float32(codec):
    """Whether a codec's codes are the embeddings themselves."""
    return family(codec) == "float32" and not codec_spec(codec).transforms


def is_exact_float32(method):
    """Whether a method is the exact search that all others are compared with."""
    spec = config["methods"][method]
    return is_plain_float32(spec["codec"]) and spec["index"] == "flat"


def parts(pattern):
    """Return the paths of all parts of a corpus for a pattern with {part} and {parts}; other wildcards stay."""
    count = config["parts"]
    return [pattern.replace("{part}", f"{part:03d}").replace("{parts}", f"{count:03d}") for part in range(count)]


def distinct_so_far(wildcards):
    """Return what was embedded of a part and of those before it: no text occurs first in a later one.

    A part may be a link to its own file, as old as that: the others needn't be older.
    """
    *before, own = (path.format(**wildcards) for path in parts(DISTINCT)[: int(wildcards.part) + 1])
    return [*map(ancient, before), own]


def codes(wildcards):
    """Return the parts of a codec's codes; float32's codes are the embeddings themselves."""
    pattern = EMBEDDINGS if is_plain_float32(wildcards.codec) else CODES
    return [path.format(**wildcards) for path in parts(pattern)]


def method_codec(method):
    """Return the codec of a method."""
    return config["methods"][method]["codec"]


def built(index):
    """Return the codec, kind and parameters of an index that is no plain store; methods may share it."""
    return next(spec for spec in config["methods"].values() if spec["built"] == index)


def of_built_codec(pattern):
    """Return an input function: ``pattern`` with {codec} replaced by the codec of the index asked for."""
    return lambda wildcards: pattern.format(codec=built(wildcards.index)["codec"], **wildcards)


def backend_modules():
    """Return the library modules of all backends, one of which runs a model."""
    return [BACKENDS.module(name) for name in BACKENDS.names()]


def suffix(codec, kind):
    """Return how the file of an index of a codec's codes ends."""
    return index_class(family(codec), kind).suffix


def index_module(family, kind):
    """Return the library module of an index of codes of ``family``."""
    return INDEXES.module(index_name(family, kind))


def built_codes(wildcards):
    """Return the parts of the codes that an index is built from."""
    codec = built(wildcards.index)["codec"]
    pattern = EMBEDDINGS if is_plain_float32(codec) else CODES
    return [path.format(codec=codec, **wildcards) for path in parts(pattern)]


def scoring(method):
    """Return how a method compares queries with codes: as it says, or its index's default."""
    spec = config["methods"][method]
    index = index_class(family(spec["codec"]), spec["index"])
    return spec.get("scoring") or index.scorings(codec_spec(spec["codec"]).family)[0]


def store_manifest(codec):
    """Return the pattern of the manifest of a codec's plain store, which names the file it lies beside."""
    return f"{MODEL}/stores/{codec}{suffix(codec, 'flat')}.json"


def index_manifest(wildcards):
    """Return the manifest of the index that a method searches: a flat one is the codec's plain store."""
    spec = config["methods"][wildcards.method]
    if spec["index"] == "flat":
        return store_manifest(spec["codec"]).format(**wildcards)
    return f"{MODEL}/indexes/{spec['built']}{suffix(spec['codec'], spec['index'])}.json".format(**wildcards)


def index_file(wildcards):
    """Return the file of the index that a method searches; its manifest names it."""
    return index_manifest(wildcards).removesuffix(".json")


def held_index(wildcards):
    """Return the file of an index that a search holds in memory: graphs and lists; scans read theirs from disk."""
    return [] if config["methods"][wildcards.method]["index"] == "flat" else index_file(wildcards)


def timed_indexes(wildcards):
    """Return the files that a timing loads: a method's own index, and the baseline's for each engine it is timed by."""
    return [index_file(wildcards), *[exact_store(wildcards).removesuffix(".json")] * 2]


def index_modules(method):
    """Return the library modules that searching a method takes beyond those of the command."""
    return built_modules(config["methods"][method]["built"])


def built_modules(index):
    """Return the library modules that building an index takes beyond those of the command."""
    spec = built(index)
    return [*codec_modules(spec["codec"]), index_module(family(spec["codec"]), spec["index"])]


def rescore_stores(method):
    """Return the codecs whose stores can rescore a method: those at least as fine, unless nothing can change."""
    if is_exact_float32(method):
        return []
    bits = codec_spec(method_codec(method)).bits
    return [codec for codec in config["rescore"]["stores"] if codec_spec(codec).bits >= bits]


def store_modules(method):
    """Return the library modules of a method's rescore stores."""
    modules = [module for codec in rescore_stores(method) for module in codec_modules(codec)]
    return modules + [index_module(family(codec), "flat") for codec in rescore_stores(method)]


def store_manifests(wildcards):
    """Return the manifests of a method's rescore stores."""
    return [store_manifest(codec).format(**wildcards) for codec in rescore_stores(wildcards.method)]


def named_stores(wildcards):
    """Return the rescore stores as the commands take them, NAME=MANIFEST."""
    names = rescore_stores(wildcards.method)
    return [f"{name}={manifest}" for name, manifest in zip(names, store_manifests(wildcards))]


def by_part(method):
    """Whether a method is searched part by part: an exact one can be, where the study asks for it."""
    return config["search"]["by"] == "part" and config["methods"][method]["index"] == "flat"


def codes_of_part(wildcards):
    """Return the codes of the part that a method is searched in."""
    codec = method_codec(wildcards.method)
    return (EMBEDDINGS if is_plain_float32(codec) else CODES).format(codec=codec, **wildcards)


def one_of(names):
    """Return the constraint of a wildcard that is one of ``names``; it matches nothing if there are none."""
    return "|".join(names) or "(?!)"


def depths(method):
    """Return the numbers of candidates that a method is measured at."""
    multipliers = config["rescore"]["multipliers"] if rescore_stores(method) else []
    return sorted({top_k * multiplier for top_k in config["top_k"] for multiplier in [1, *multipliers]})


def searched_depths(method):
    """Return the numbers of candidates that a method is searched for; the baseline's margin is seen at twice top_k."""
    return depths(method) + ([2 * max(config["top_k"])] if method == config["baseline"] else [])


def all_rescore_stores():
    """Return the codecs whose stores rescore any method."""
    used = {store for method in config["methods"] for store in rescore_stores(method)}
    return [store for store in config["rescore"]["stores"] if store in used]


def exact_method(method):
    """Return the exact method of the study that scans the codes of an approximate one, with the same scoring."""
    spec = config["methods"][method]
    wanted = (spec["codec"], "flat", scoring(method))
    candidates = {name: (own["codec"], own["index"], scoring(name)) for name, own in config["methods"].items()}
    return next((name for name, own in candidates.items() if own == wanted and spec["index"] != "flat"), None)


def own_exact(wildcards):
    """Return the candidates of the exact scan of the codes that an approximate method searches, if there are any."""
    method = exact_method(wildcards.method)
    return [f"{REPORTS}/runs/{{dataset}}/{{model}}/{method}/candidates.parquet".format(**wildcards)] if method else []


def exact_store(wildcards):
    """Return the manifest of the flat float32 index, which tells every document's exact score."""
    return store_manifest(method_codec(config["baseline"])).format(**wildcards)


def pooled(wildcards):
    """Return the folders of the datasets that a pooled one joins."""
    return [f"results/{member}" for member in config["datasets"][wildcards.dataset].get("datasets", [])]


def source_files(wildcards):
    """Return the files a dataset is read from, as far as they are there: the command names what is missing."""
    joined = [f"{folder}/{file}" for folder in pooled(wildcards) for file in DATASET_FILES]
    return joined + [str(path) for path in parse_dataset(config["datasets"][wildcards.dataset]).input_files()]


def given_vectors(wildcards):
    """Return the files of precomputed embeddings, as far as they are there; none for a model that embeds texts."""
    return vectors_of(wildcards.model, wildcards.dataset)


def vectors_of(model, dataset):
    """Return the files of a model's precomputed embeddings of a dataset."""
    spec = parse_model(canonical(config["models"][model]))
    files = spec.files(dataset) if isinstance(spec, PrecomputedSpec) else []
    return [str(file) for path in files for file in files_at(Path(path).expanduser(), "*.parquet")]


def own_model(wildcards):
    """Return the files of a model that lies in a local folder, or of precomputed embeddings."""
    if config["models"][wildcards.model].get("type") == "precomputed":
        return [file for dataset in evaluated() for file in vectors_of(wildcards.model, dataset)]
    return [
        str(file)
        for file in files_at(Path(config["models"][wildcards.model].get("name", "")).expanduser(), "**/*.[sjtm]*")
    ]


def files_at(path, pattern):
    """Return a file itself, the files of a folder that match ``pattern``, or nothing where there is neither."""
    if path.is_dir() and path != Path():
        return sorted(file for file in path.glob(pattern) if file.is_file())
    return [path] if path.is_file() else []


def datasets_of_given(model):
    """Return the datasets of a precomputed model, which may have a file for each; none for a model that embeds texts."""
    given = config["models"][model].get("type") == "precomputed"
    return evaluated() if given else []


def embedding_timings():
    """Return the timings of embedding, one for each dataset and model that embeds texts."""
    return [
        f"{REPORTS}/runs/{dataset}/{model}/embedding.json"
        for dataset in evaluated()
        for model, spec in config["models"].items()
        if spec.get("type") != "precomputed"
    ]


def evaluated():
    """Return the datasets that the study reports on: all, unless ``evaluate`` names some."""
    return config.get("evaluate") or list(config["datasets"])


def of_models():
    """Return the folders with what was measured of a dataset and model, in the order of the configuration."""
    return [f"{REPORTS}/runs/{dataset}/{model}" for dataset in evaluated() for model in config["models"]]


def runs():
    """Return the folders of all runs of the study, in the order of the configuration."""
    return [f"{folder}/{method}" for folder in of_models() for method in config["methods"]]


def shown_as(category, name, caption=None):
    """Return how Snakemake's own report shows a result: its category, its name, and its caption in workflow/report/."""
    return {"caption": f"../report/{caption or name}.rst", "category": category, "labels": {"result": name}}
