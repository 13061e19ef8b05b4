"""The folder that MLflow's file store writes: `<experiment>/<run>/{meta.yaml, metrics, params, tags}`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from homeostat.adapters import UnreadablePayload

_META: Final = "meta.yaml"
_FIELDS: Final = ("run_id", "run_uuid", "run_name", "experiment_id", "status", "start_time", "end_time")
_NUMBERS: Final = ("start_time", "end_time")
_POINT: Final = 3
"""A point of a metric: time, value, step."""


def read_mlruns(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read runs as the REST API has them.

    Args:
        path: The folder `mlruns`, or one experiment in it.

    Yields:
        Folder of a run, and it in JSON.

    Raises:
        UnreadablePayload: There is no run in it.
    """
    metas = sorted(meta for depth in ("*/*", "*") for meta in path.glob(f"{depth}/{_META}") if _is_run(meta.parent))
    if not metas:
        raise UnreadablePayload(str(path), f"has no run of MLflow: <experiment>/<run>/{_META}")
    for meta in metas:
        yield str(meta.parent.relative_to(path)), msgspec.json.encode(_run(meta.parent))


def _is_run(folder: Path) -> bool:
    return (folder / "metrics").is_dir() or (folder / "params").is_dir()


def _run(folder: Path) -> dict[str, Any]:
    metrics = [point for file in _files(folder / "metrics") for point in _points(folder / "metrics", file)]
    return {
        "info": _info((folder / _META).read_text("utf-8")),
        "data": {"metrics": metrics, "params": _texts(folder / "params"), "tags": _texts(folder / "tags")},
    }


def _info(text: str) -> dict[str, Any]:
    """Read the flat YAML of a run: one `name: value` a line."""
    info: dict[str, Any] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        value = value.strip().strip("'\"")
        if name in _FIELDS and value and value != "null":
            info[name] = int(value) if name in _NUMBERS and value.isdigit() else value
    return info


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else []


def _texts(folder: Path) -> list[dict[str, str]]:
    return [{"key": str(file.relative_to(folder)), "value": file.read_text("utf-8").strip()} for file in _files(folder)]


def _points(folder: Path, file: Path) -> Iterator[dict[str, Any]]:
    for line in file.read_text("utf-8").splitlines():
        parts = line.split()
        if len(parts) >= _POINT - 1:
            step = parts[2] if len(parts) >= _POINT else "0"
            yield {"key": str(file.relative_to(folder)), "timestamp": parts[0], "value": parts[1], "step": step}
