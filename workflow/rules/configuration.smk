# What a configuration may say: it is checked, and its defaults are filled in, before anything else; functions alone.
import os
from itertools import product

import jsonschema
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

from embquant.quantize.codecs import CODECS, parse_codec
from embquant.datasets.spec import parse_dataset
from embquant.embedding.spec import parse_model
from embquant.errors import InputError
from embquant.study.settings import NO_STORE
from embquant.indexes import index_class
from embquant.measure.metrics import parse_metric
from embquant.entries import nearest, read_entry

RESERVED = ("benchmarks", "logs", "models", "reports")

# What the schema wants, in the words of a reader.
WANTED = {
    ("type", "array"): "a list, such as [10]",
    ("type", "object"): "a mapping of names to entries",
    ("type", "integer"): "a whole number",
    ("type", "number"): "a number",
    ("type", "string"): "text; put quotes around it",
    ("minProperties", "1"): "at least one entry",
    ("minItems", "1"): "at least one",
    ("pattern", "^[a-z0-9][a-z0-9-]*$"): "a name of lower-case letters, digits and hyphens",
    ("pattern", "^all$"): "a number of threads, or all",
}


def load_study(config, schema):
    """Check the configuration and fill in its defaults; any mistake ends the run here, in one line."""
    try:
        check_keys(config, load_configfile(schema))
        validate(config, schema)
        config["methods"] = swept(config["methods"])
        check_references(config)
    except InputError as error:
        raise WorkflowError(f"embquant: error: {config_name()}: {error}") from None


def config_name():
    """Return the path of the configuration as the user would write it."""
    return os.path.relpath((workflow.configfiles or ["config.yaml"])[-1])


def check_keys(config, schema):
    """Check ``config`` against the schema and name the nearest valid key for a misspelt one."""
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(config))
    if error is None:
        return
    where = ".".join(map(str, error.absolute_path)) or "top level"
    if error.validator == "additionalProperties":
        unknown = next(key for key in error.instance if key not in error.schema["properties"])
        raise InputError(f"{where}: unknown key {unknown!r}{nearest(unknown, error.schema['properties'])}")
    wanted = WANTED.get((error.validator, str(error.validator_value)))
    raise InputError(f"{where}: {error.instance!r}: expected {wanted}" if wanted else f"{where}: {error.message}")


def swept(methods):
    """Make one method of each combination of search parameters that are given as lists; they share one index."""
    expanded = {}
    for name, spec in methods.items():
        lists = {key: values for key, values in spec["search"].items() if isinstance(values, list)}
        if [] in lists.values():
            raise InputError(f"methods.{name}.search: []: expected at least one")
        for values in product(*lists.values()):
            one = "-".join([name, *(f"{key.replace('_', '-')}-{value}" for key, value in zip(lists, values))])
            if one in expanded:
                raise InputError(f"methods.{name}: there is another method {one!r}")
            expanded[one] = {**spec, "search": {**spec["search"], **dict(zip(lists, values))}, "built": name}
    return expanded


def check_references(config):
    """Check that names used in the configuration are defined in it, and that the pieces fit together."""
    for dataset, spec in config["datasets"].items():
        if dataset == "all":
            raise InputError("datasets: a dataset can't be called 'all', which the reports call all of them")
        if dataset in RESERVED:
            raise InputError(f"datasets: a dataset can't be called {dataset!r}, results/{dataset} has another use")
        in_place(f"datasets.{dataset}", parse_dataset, spec)
        for member in spec.get("datasets", []):
            known_in(config["datasets"], member, f"datasets.{dataset}.datasets")
            if config["datasets"][member]["source"] == "pooled":
                raise InputError(f"datasets.{dataset}: the members of a pooled dataset can't be pooled themselves")
    for model, spec in config["models"].items():
        in_place(f"models.{model}", parse_model, canonical(spec))
    for dataset in config.get("evaluate", []):
        known_in(config["datasets"], dataset, "evaluate")
    for codec, spec in config["codecs"].items():
        if codec == NO_STORE:
            raise InputError(f"codecs: a codec can't be called {NO_STORE!r}, which stands for no rescoring")
        in_place(f"codecs.{codec}", parse_codec, spec)
    for method, spec in config["methods"].items():
        known_in(config["codecs"], spec["codec"], f"methods.{method}.codec")
        in_place(f"methods.{method}", index_class, family(spec["codec"]), spec["index"])
        check_method(method, spec)
    for store in config["rescore"]["stores"]:
        known_in(config["codecs"], store, "rescore.stores")
    known_in(config["methods"], config["baseline"], "baseline")
    if not is_exact_float32(config["baseline"]):
        raise InputError(f"baseline: {config['baseline']!r} is not a float32 codec with a flat index")
    for metric in config["metrics"]:
        parse_metric(metric)


def check_method(method, spec):
    """Check a method's scoring and its parameters of building and searching."""
    index = index_class(family(spec["codec"]), spec["index"])
    known = index.scorings(CODECS[family(spec["codec"])])
    if spec.get("scoring", known[0]) not in known:
        what = f"a {spec['index']} index of {family(spec['codec'])} codes"
        raise InputError(f"methods.{method}: {what} has only the scoring {', '.join(known)}")
    in_place(f"methods.{method}", read_entry, index.build_parameters, spec["build"], "build")
    in_place(f"methods.{method}", read_entry, index.search_parameters, spec["search"], "search")


def in_place(where, check, *values):
    """Call a check of the library and put the place in the configuration before its message."""
    try:
        check(*values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def known_in(names, name, where):
    """Check that ``name`` is among ``names``."""
    if name not in names:
        raise InputError(f"{where}: {name!r} is not defined{nearest(name, names)}")
