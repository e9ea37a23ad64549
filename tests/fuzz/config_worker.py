"""The process that loads configurations as the Snakefile does, by the same functions."""

import sys
from pathlib import Path
from types import SimpleNamespace

from fuzz_worker import serve
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError

WORKFLOW = Path(__file__).parents[2] / "workflow"


def load(arguments: list[str]) -> int:
    """Load the study; print what is wrong with it as Snakemake would, on one line."""
    validating = SimpleNamespace(skip_validation=False)
    source = SimpleNamespace(open=lambda file: file.get_path_or_uri(secret_free=False))
    workflow = SimpleNamespace(
        configfiles=arguments, basedir=str(WORKFLOW.parent), modifier=validating, sourcecache=source
    )
    names = {"workflow": workflow, "MODEL": "", "REPORTS": "", "EMBEDDINGS": "", "CODES": ""}
    for functions in FUNCTIONS:
        exec(functions, names)
    try:
        Path(arguments[0]).read_text(encoding="utf-8")
    except UnicodeDecodeError:  # make refuses it, before Snakemake reads it
        print(f"embquant: error: {arguments[0]}: not UTF-8 text", file=sys.stderr)
        return 2
    try:
        config = load_configfile(arguments[0])
        names["config"] = config
        names["load_study"](config, str(WORKFLOW / "schemas" / "config.schema.yaml"))
    except WorkflowError as error:
        message = " ".join(str(error).split())
        print(message if message.startswith("embquant: error: ") else f"embquant: error: {message}", file=sys.stderr)
        return 2
    names["canonical"](config)
    for method in config["methods"]:
        names["depths"](method)
        names["store_modules"](method)
        names["exact_method"](method)
    for dataset in config["datasets"]:
        names["source_files"](SimpleNamespace(dataset=dataset))
    return 0 if names["runs"]() else 1


FUNCTIONS = [
    compile((WORKFLOW / "rules" / name).read_text(), name, "exec") for name in ("configuration.smk", "common.smk")
]

if __name__ == "__main__":
    serve(load)
