"""OpenBLAS is told of AVX-512 where the processor has it, before NumPy loads, unless the user has chosen."""

import os
import subprocess
import sys

import pytest

from embquant.kernels import AVX512, AVX512_KERNELS, CHOICE, PROCESSORS, choose_kernels

LOADED = "import embquant.cli, sys; print('numpy' in sys.modules)"
CHOSEN = """
from embquant.cli import main
try:
    main(["--version"])
except SystemExit:
    pass
import numpy
from threadpoolctl import threadpool_info
print([own["architecture"] for own in threadpool_info() if own["internal_api"] == "openblas"])
"""


def described(folder, *flags):
    path = folder / "cpuinfo"
    path.write_text(f"processor\t: 0\nflags\t\t: fpu sse2 {' '.join(flags)}\nbugs\t\t: none\n")
    return path


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    monkeypatch.delenv(CHOICE, raising=False)


def test_a_processor_with_all_of_avx_512_gets_its_kernels(tmp_path, monkeypatch):
    monkeypatch.setenv(CHOICE, "")  # so that what is set here is undone
    monkeypatch.delenv(CHOICE)
    choose_kernels(described(tmp_path, *AVX512))
    assert os.environ[CHOICE] == AVX512_KERNELS


@pytest.mark.parametrize("flags", [["avx2"], ["avx512f"], [f"{flag}x" for flag in AVX512]])
def test_others_are_left_to_openblas(tmp_path, flags):
    choose_kernels(described(tmp_path, *flags))
    assert CHOICE not in os.environ


def test_a_system_that_describes_no_processor_is_left_to_openblas(tmp_path):
    choose_kernels(tmp_path / "nowhere")
    assert CHOICE not in os.environ


def test_what_the_user_chose_stays(tmp_path, monkeypatch):
    monkeypatch.setenv(CHOICE, "Haswell")
    choose_kernels(described(tmp_path, *AVX512))
    assert os.environ[CHOICE] == "Haswell"


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_commands_choose_before_numpy_is_loaded():
    assert python(LOADED).strip() == "False"


@pytest.mark.skipif(not PROCESSORS.exists(), reason="Linux alone describes its processors in a file")
def test_openblas_does_as_it_is_told():
    has = set(PROCESSORS.read_text().split()) >= AVX512
    assert (AVX512_KERNELS in python(CHOSEN)) == has
