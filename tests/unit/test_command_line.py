"""Commands are functions: what their signatures say is what the command line takes."""

import argparse
import inspect
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest

from embquant.cli import COMMANDS, add_options, main, step, summary
from embquant.files.atomic import read_json
from embquant.quantize.codecs import load_codec
from support.codec_cases import case

STEPS = Path(__file__).parents[2] / "src" / "embquant" / "steps"


def example(
    folder: Annotated[Path, "a folder"],
    /,
    *,
    kind: Annotated[Literal["flat", "hnsw"], "a choice"],
    top_k: Annotated[Sequence[int], "numbers"],
    parts: Annotated[Sequence[Path], "files"] = (),
    stores: Annotated[Mapping[str, Path], "named files"] = {},
    entry: Annotated[Mapping[str, Any], "an entry"] = {},
    scoring: Annotated[str | None, "a scoring"] = None,
    share: Annotated[float, "a share"] = 0.5,
):
    pass


def parsed(*words):
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_options(parser, example)
    return vars(parser.parse_args(words))


def test_options_follow_from_the_signature():
    assert parsed("x", "--kind", "flat", "--top-k", "10", "100") == {
        "folder": Path("x"), "kind": "flat", "top_k": [10, 100], "parts": (), "stores": {}, "entry": {},
        "scoring": None, "share": 0.5,
    }  # fmt: skip
    words = ["--parts", "a", "b", "--stores", "int8=c=d", "--entry", '{"family": "int8"}', "--scoring", "s", "--share"]
    assert parsed("x", "--kind", "hnsw", "--top-k", "1", *words, "0.25") == {
        "folder": Path("x"), "kind": "hnsw", "top_k": [1], "parts": [Path("a"), Path("b")],
        "stores": {"int8": Path("c=d")}, "entry": {"family": "int8"}, "scoring": "s", "share": 0.25,
    }  # fmt: skip


def test_an_option_that_may_be_left_out_may_be_empty():
    """So a rule of the workflow can name an input that some jobs don't have."""
    words = ["x", "--kind", "flat", "--top-k", "1", "--scoring", "--parts", "--stores"]
    assert (parsed(*words)["scoring"], parsed(*words)["parts"], parsed(*words)["stores"]) == (None, [], {})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_step_is_a_command_whose_parameters_are_described(command):
    function = step(command)
    assert inspect.getdoc(function).partition("\n")[0] == summary(command)
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        assert get_origin(parameter.annotation) is Annotated, parameter.name
        assert isinstance(get_args(parameter.annotation)[1], str), parameter.name


def test_every_module_in_steps_is_a_command():
    modules = {path.stem.replace("_", "-") for path in STEPS.glob("*.py")} - {"--init--"}
    assert modules == set(COMMANDS)


def test_help_lists_all_commands_and_imports_none():
    code = "import sys; from embquant.cli import main\ntry: main(['--help'])\nfinally: print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f"    {command}" in done.stdout for command in COMMANDS)
    imported = done.stdout.splitlines()[-1]
    assert not [name for name in ("faiss", "torch", "numpy", "pyarrow", "embquant.steps") if f"'{name}'" in imported]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["build-stores"], "invalid choice: 'build-stores'"),
        (["build-store", "--embeddings", "x", "--state", "s", "--output", "y"], "arguments are required: --entry"),
        (["build-store", "--entry", "{"], "--entry: not JSON"),
        (["build-store", "--entry", "[1]"], "--entry: expected a JSON object"),
        (["explain-losses", "--stores", "int8"], "--stores: expected NAME=PATH, got 'int8'"),
        (["time-search", "--threads", "two"], "--threads: invalid int value: 'two'"),
    ],
)
def test_a_wrong_option_is_an_error_of_one_line(capsys, words, message):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("embquant: error: ")
    assert message in error
    assert error.count("\n") == 1


def test_a_command_records_what_it_writes_and_a_library_call_leaves_only_the_file_asked_for(tmp_path):
    case("int8").save(tmp_path / "state.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest()))
    define = ["define-method", "--name", "own", "--manifest", tmp_path / "manifest.json"]
    assert main([*map(str, define), "--output", str(tmp_path / "methods" / "own.json")]) == 0
    assert (tmp_path / "methods" / ".records" / "own.json.json").is_file()
    assert read_json(tmp_path / "methods" / "own.json")["scoring"] == "symmetric"
    case("int8").save(tmp_path / "again" / "state.npz")  # the command has left recording off
    assert [path.name for path in (tmp_path / "again").iterdir()] == ["state.npz"]
    load_codec(tmp_path / "again" / "state.npz")


def manifest():
    numbers = dict.fromkeys(["dim", "vectors", "bytes_per_vector"], 1)
    seconds = dict.fromkeys(["fit_seconds", "encode_seconds", "build_seconds"], 0.5)
    names = {"family": "binary", "kind": "flat", "file": "manifest", "codec": "state.npz"}
    return {**names, **numbers, **seconds, "parameters": {}}


def test_a_process_ends_at_once_but_does_what_was_left_for_its_end_and_writes_all():
    """Databases are ended so. Only the teardown of libraries is left out."""
    script = (
        "import atexit, sys; from embquant.cli import run; sys.argv[1:] = ['verify', 'nowhere']\n"
        "print('written', end=''); atexit.register(lambda: print(' at the end', end=''))\n"
        "try: run()\nfinally: print('torn down')"
    )
    done = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, "written at the end")
    assert done.stderr.startswith("embquant: error: nowhere")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_option_of_a_command_is_one_of_those_that_every_job_has(command):
    assert not {"run", "study_file", "profile"} & set(inspect.signature(step(command)).parameters)
