"""No command pays for a library that it doesn't use: torch takes seconds to import."""

import subprocess
import sys

from embquant.cli import COMMANDS

HEAVY = ("torch", "transformers", "sentence_transformers", "openvino")
PROBE = f"""
import sys
from importlib import import_module
for module in sys.argv[1:]:
    import_module(module)
    print(*(f"{{module}} imports {{name}}" for name in {HEAVY!r} if name in sys.modules))
"""


def test_no_command_s_module_imports_a_model_library():
    """Those that compute with torch import it when they do: prepare-model, which converts with it, and its backend."""
    modules = [f"embquant.steps.{command.replace('-', '_')}" for command in COMMANDS]
    done = subprocess.run([sys.executable, "-c", PROBE, *modules], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
