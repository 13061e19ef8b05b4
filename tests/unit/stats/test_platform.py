"""The same bits on an old processor as on this one."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import homeostat

umath = importlib.import_module("numpy._core._multiarray_umath")  # its stub hides the lists of instruction sets
PROGRAM = Path(__file__).with_name("platform_digest.py")
GOLDEN = "a577337c532d176bb0ac997afe5506f9eaa5286d5c58194dffd4676135e98a86"
"""Made on an AMD Zen 4. It changes only with the fold versions."""

OLD_PROCESSOR = {
    # Every instruction set that this numpy can choose at run time: its names differ between releases.
    "NPY_DISABLE_CPU_FEATURES": " ".join(umath.__cpu_dispatch__),
    "OPENBLAS_CORETYPE": "Nehalem",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
}


def digest(extra: dict[str, str]) -> tuple[str, str]:
    """Return the digest of the program and the vector instructions it could use."""
    roots = str(Path(homeostat.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": roots, **extra}
    done = subprocess.run([sys.executable, "-W", "error", PROGRAM], env=env, capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    return first, second


def test_results_do_not_depend_on_the_processor() -> None:
    """With every vector extension of numpy, OpenBLAS and glibc off, all results keep their bytes."""
    as_is, _ = digest({})

    old, in_use = digest(OLD_PROCESSOR)

    assert in_use == ""
    assert old == as_is


def test_results_are_those_of_every_other_machine() -> None:
    """The digest is the one that was committed, made elsewhere."""
    assert digest({})[0] == GOLDEN
