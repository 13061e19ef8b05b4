"""Nothing that was read is ever run: no pickle, no evaluation, no loader that would."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("shared", "services") for path in (ROOT / folder).rglob("*.py"))
MODULES = {
    "pickle",
    "_pickle",
    "cPickle",
    "cloudpickle",
    "dill",
    "joblib",
    "jsonpickle",
    "marshal",
    "shelve",
    "copyreg",
}
HARMLESS = {("pickle", "UnpicklingError")}
"""What a loader raises that reads no code."""

BUILTINS = {"eval", "exec", "compile", "__import__"}
METHODS = {"read_pickle", "unsafe_load", "full_load", "load_all", "UnsafeLoader", "loadtxt_pickle", "Unpickler"}


def _name(node: ast.expr) -> str:
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def _keyword(call: ast.Call, name: str) -> object:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value.value if isinstance(keyword.value, ast.Constant) else ...
    return None


def faults(source: str) -> Iterator[str]:
    """What a module does that could run what it reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (f"import {one.name}" for one in node.names if one.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield from (
                f"from {node.module} import {one.name}" for one in node.names if (node.module, one.name) not in HARMLESS
            )
        elif isinstance(node, ast.Attribute) and node.attr in METHODS:
            yield ast.unparse(node)
        elif isinstance(node, ast.Call):
            name = _name(node.func)
            if isinstance(node.func, ast.Name) and name in BUILTINS:
                yield f"{name}()"
            if name == "torch.load" and _keyword(node, "weights_only") is not True:
                yield "torch.load without weights_only=True"
            if name.endswith("load") and _keyword(node, "allow_pickle") not in (None, False):
                yield "allow_pickle"
            if name == "yaml.load":
                yield "yaml.load"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_runs_what_it_reads(path: Path) -> None:
    """Neither the folds' states, nor artifacts, nor weights, nor tables."""
    assert list(faults(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import a, marshal",
        "from pickle import loads, UnpicklingError",
        "from joblib.numpy_pickle import load",
        "eval('1')",
        "exec(text)",
        "compile(text, '', 'exec')",
        "__import__(name)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=is_safe)",
        "np.load(path, allow_pickle=True)",
        "numpy.load(path, allow_pickle=is_old)",
        "yaml.load(text)",
        "yaml.unsafe_load(text)",
        "pandas.read_pickle(path)",
    ],
)
def test_the_check_sees_it(source: str) -> None:
    """Each kind is found."""
    assert list(faults(source)) != []


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "re.compile(text)",
        "torch.load(p, weights_only=True)",
        "np.load(p)",
        "from pickle import UnpicklingError",
    ],
)
def test_what_runs_nothing_passes(source: str) -> None:
    """Names that only look like it."""
    assert list(faults(source)) == []
