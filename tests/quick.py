"""The developer's loop: tests of what has changed, and nothing slow. `make quick`, or `python -m tests.quick [BASE]`.

A change below `services/NAME` or `shared/homeostat/NAME` runs `tests/unit/NAME`; one of a fold or of what folds compute
with runs the conformance suite and the golden replays too; a changed test runs itself. Without a change the whole of
the unit tests would say nothing new, so nothing runs.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
_OF_ALL_FOLDS: Final = frozenset({"core", "codec", "events", "stats", "admission"})
"""Packages of `shared/homeostat` that every fold computes with."""

_WITHOUT_FOLD: Final = frozenset(
    {
        *("auditor", "http_door", "maml_trainer", "model_server"),
        *("retrain_actuator", "rollout_actuator", "threshold_actuator"),
    }
)


def changed(base: str) -> list[str]:
    """Paths that differ from a commit, in the working tree or untracked, relative to the root."""
    lines = set[str]()
    for command in (["diff", "--name-only", base], ["ls-files", "--others", "--exclude-standard"]):
        done = subprocess.run(["git", *command], cwd=ROOT, check=True, capture_output=True, text=True)
        lines |= set(done.stdout.splitlines())
    return sorted(lines)


def targets(paths: Iterable[str]) -> list[str]:
    """Test paths for changed paths, without repeats; those that do not exist are left out.

    Args:
        paths: Relative to the root, with forward slashes.
    """
    wanted: dict[str, None] = {}
    for path in paths:
        parts = path.split("/")
        if parts[0] == "tests" and parts[-1].startswith("test_") and parts[1] in ("unit", "conformance", "contract"):
            wanted[path] = None
        elif parts[0] == "tests" and parts[1] == "unit":
            wanted["/".join(parts[:3])] = None
        elif parts[0] == "services" and len(parts) > 2:
            wanted[f"tests/unit/{parts[1]}"] = None
            if parts[1] not in _WITHOUT_FOLD:
                wanted |= dict.fromkeys(("tests/conformance/test_folds.py", "tests/replay"))
        elif parts[0] == "shared" and len(parts) > 3:
            wanted[f"tests/unit/{parts[2]}"] = None
            if parts[1] == "homeostat" and parts[2] in _OF_ALL_FOLDS:
                wanted |= dict.fromkeys(("tests/conformance/test_folds.py", "tests/replay"))
        elif path.endswith(".md"):
            wanted["tests/contract/test_docs.py"] = None
    return [path for path in wanted if (ROOT / path).exists()]


def main(base: str = "HEAD") -> int:
    """Run them; return the exit code of pytest, 0 if nothing has changed."""
    found = targets(changed(base))
    if not found:
        sys.stdout.write(f"nothing that has tests differs from {base}\n")
        return 0
    sys.stdout.write(f"quick: {' '.join(found)}\n")
    return subprocess.call([sys.executable, "-m", "pytest", "-q", "-m", "not soak and not slow", *found], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
