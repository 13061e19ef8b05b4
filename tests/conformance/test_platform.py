"""The folds say the same on an old processor as on this one, and under any hash seed."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import homeostat
from homeostat_tools.local_stack.services import inputs

FOLDS = inputs()

umath = importlib.import_module("numpy._core._multiarray_umath")  # its stub hides the lists of instruction sets
PROGRAM = Path(__file__).with_name("platform_outputs.py")
HISTORIES = Path(__file__).parents[1] / "replay" / "histories"
SHARED = Path(homeostat.__file__).parents[1]

OLD_PROCESSOR = {
    # Every instruction set that this numpy can choose at run time: its names differ between releases.
    "NPY_DISABLE_CPU_FEATURES": " ".join(umath.__cpu_dispatch__),
    "OPENBLAS_CORETYPE": "Nehalem",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
    "PYTHONHASHSEED": "1",
}


def outputs(extra: Mapping[str, str]) -> dict[str, Any]:
    """What every fold says to its history in a fresh process, and the vector instructions it could use."""
    roots = os.pathsep.join((str(SHARED), str(SHARED.parent)))  # the program reads histories as the tests do
    env = {**os.environ, "PYTHONPATH": roots, "PYTHONHASHSEED": "0", **extra}
    done = subprocess.run([sys.executable, PROGRAM, HISTORIES], env=env, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@cache
def on_this_machine() -> dict[str, Any]:
    """Nothing switched off."""
    return outputs({})


@cache
def on_an_old_one() -> dict[str, Any]:
    """Every vector extension of numpy, OpenBLAS and glibc switched off, and sets in another order."""
    return outputs(OLD_PROCESSOR)


def test_the_vector_instructions_are_off() -> None:
    """The comparison means something."""
    assert on_an_old_one()["in_use"] == []


@pytest.mark.parametrize("fold", FOLDS)
def test_outputs_do_not_depend_on_the_processor(fold: str) -> None:
    """Every output keeps its bytes."""
    assert on_an_old_one()["said"][fold] == on_this_machine()["said"][fold]
