"""No command pays for a library that it doesn't use: torch takes seconds to import, pandas and faiss a quarter each."""

import subprocess
import sys

import pytest

from embquant.cli import COMMANDS

MODELS = ("torch", "transformers", "sentence_transformers", "openvino")
TABLES = ("pandas", "matplotlib", "pyarrow.dataset")
INDEXES = ("faiss", "usearch")
TEXTS = ("prepare-dataset", "read-run", "rerank", "search")
REPORTING = ("explain-losses", "join-reports", "write-report", "compare", "check", "present", "diagnose", "gallery")
PROBE = """
import sys
from importlib import import_module
for module in sys.argv[2:]:
    import_module(module)
    print(*(f"{module} imports {name}" for name in sys.argv[1].split() if name in sys.modules))
"""
CONVERSIONS = """
import sys
import numpy as np
import pyarrow as pa
from embquant.files.parquet import spare_pandas
spare_pandas()
pa.table({"numbers": np.arange(3), "texts": ["a", "b", "c"]})["numbers"].to_numpy()
print("pandas" in sys.modules)
import pandas
"""
DISTANCES = """
import sys
import torch
from embquant.embedding.library import import_sentence_transformers
import_sentence_transformers()
print("sklearn" in sys.modules, "scipy.optimize" in sys.modules)
from sentence_transformers.util import manhattan_sim
print((manhattan_sim(torch.eye(2).to_sparse(), torch.eye(2).to_sparse()) + 0).tolist())  # -0.0 becomes 0.0
from sklearn.metrics import accuracy_score
print(accuracy_score([1, 0], [1, 1]))
from transformers.loss.loss_for_object_detection import linear_sum_assignment
print(*linear_sum_assignment([[4, 1], [1, 9]]))
from scipy.optimize import LinearConstraint
print(LinearConstraint(1).lb)
"""


@pytest.mark.parametrize(
    ("heavy", "commands"),
    [
        ((*MODELS, *INDEXES, "scipy"), COMMANDS),
        (TABLES, [command for command in COMMANDS if command not in REPORTING]),
        (["pyarrow.compute"], [command for command in COMMANDS if command not in REPORTING + TEXTS]),
    ],
    ids=["models, indexes and distributions", "tables", "functions of texts"],
)
def test_no_command_s_module_imports_a_library_that_its_work_may_not_need(heavy, commands):
    """Those that need one import it when they come to it: prepare-model, say, which converts with torch."""
    modules = [f"embquant.steps.{command.replace('-', '_')}" for command in commands]
    words = [sys.executable, "-c", PROBE, " ".join(heavy), *modules]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == [""] * (len(modules) + 1)


def test_arrow_can_be_kept_from_importing_pandas_which_others_still_can():
    done = subprocess.run([sys.executable, "-c", CONVERSIONS], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_no_model_needs_is_imported_once_something_calls_it():
    done = subprocess.run([sys.executable, "-c", DISTANCES], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n[[0.0, -2.0], [-2.0, 0.0]]\n0.5\n[0 1] [1 0]\n[-inf]\n"
