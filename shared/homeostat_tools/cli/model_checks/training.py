"""Would a retrain work? The recipe is run, on the last rows, and nothing is kept of it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from homeostat.artifacts import ArtifactMissing, open_store
from homeostat.core import Reject, Retry
from homeostat.events import FamilyRegistered
from homeostat.recipe import Job, JobArm, Line
from homeostat.recipe_file import read_recipes
from homeostat_tools.cli.checks import Check, fail, ok
from homeostat_tools.cli.model_checks.looking import Model

_BUILT_IN: Final = (sys.executable, "-m", "homeostat.services.retrain_actuator.recipes.mlp", "{job}")
_VARIABLE: Final = "HOMEOSTAT_RETRAIN_ACTUATOR_RECIPES"
_SECONDS: Final = 120.0
_MOST_ROWS: Final = 500
_LEAST_ROWS: Final = 10
_CHARACTERS: Final = 300


def artifact(model: Model) -> Iterator[Check]:
    """What the champion was registered with is in the store."""
    data = model.known.registered
    if data is None or data.artifact is None:
        return
    try:
        open_store(model.settings.store_url).get(data.artifact)
    except ArtifactMissing:
        detail = f"{model.settings.store_url} has no {data.artifact}, of {data.champion}"
        yield fail("artifact", detail, "put its bytes into the store, and register the model with their digest")
    except Retry as trouble:
        yield fail("artifact", str(trouble), "see that the store can be reached")
    else:
        yield ok("artifact", f"{data.champion} is in the store")


def recipe(model: Model) -> Iterator[Check]:
    """The recipe of the family is known here, and runs on the last labelled rows."""
    family = model.family
    if family is None:
        return
    try:
        command = _commands(model).get(family.recipe)
    except Reject as unusable:
        yield fail(
            "recipe", unusable.detail, f"chmod 600, or delete it and homeostat apply {model.name}'s homeostat.toml"
        )
        return
    if command is None:
        detail = f"no recipe {family.recipe!r} is known on this machine, which {model.known.family} trains with"
        yield fail("recipe", detail, f"homeostat apply a file with [recipes] {family.recipe} = […], or {_VARIABLE}")
        return
    x, y = model.rows.x[-_MOST_ROWS:], model.rows.y[-_MOST_ROWS:]
    if len(y) < _LEAST_ROWS:
        detail = f"{family.recipe} is known; it runs once {_LEAST_ROWS} labelled rows have inputs: there are {len(y)}"
        yield ok("recipe", detail)
        return
    if len({row.shape for row in x}) > 1:
        yield fail("recipe", "inputs of different widths were kept", "publish `inputs` of one width")
        return
    errors = _run(model, family, command, np.stack(x), np.array(y))
    if errors:
        yield fail("recipe", f"{family.recipe} fails on the last {len(y)} rows: {errors}", _mend(errors))
    else:
        yield ok("recipe", f"{family.recipe} has trained every arm on the last {len(y)} labelled rows")


def _mend(errors: str) -> str:
    if "weights to start from" in errors:
        return (
            "store the champion's weights and register the model again with `artifact`, or give the family an arm "
            "with `initial_weights` = `random`"
        )
    return "mend the recipe: python recipe.py JOB runs it alone"


def _commands(model: Model) -> dict[str, Sequence[str]]:
    """Command lines by name: as the retrain actuator of this machine has them."""
    named: dict[str, Sequence[str]] = json.loads(os.environ.get(_VARIABLE, "{}"))
    return {"default": _BUILT_IN} | read_recipes(model.settings.data_dir) | named


def _run(
    model: Model,
    family: FamilyRegistered,
    command: Sequence[str],
    x: NDArray[np.float32],
    y: NDArray[np.float64],
) -> str:
    """Train every arm as the retrain actuator would; return what went wrong, empty if nothing did."""
    data = model.known.registered
    with tempfile.TemporaryDirectory(prefix="homeostat-check-") as name:
        folder = Path(name)
        (folder / "out").mkdir()
        np.savez(folder / "data.npz", x=x, y=y)
        store = open_store(model.settings.store_url)

        def place(digest: str | None) -> str | None:
            if digest is None:
                return None
            (folder / digest).write_bytes(store.get(digest))
            return str(folder / digest)

        try:
            champion = None if data is None else place(data.artifact)
            arms = tuple(JobArm(arm.name, arm.hyperparameters, place(arm.initial_weights)) for arm in family.arms)
        except (ArtifactMissing, Retry) as trouble:
            return str(trouble)
        job = Job(arms, str(folder / "data.npz"), champion, str(folder / "out"), 0)
        (folder / "job.json").write_bytes(msgspec.json.encode(job))
        return _errors([word.replace("{job}", str(folder / "job.json")) for word in command], folder, family)


def _errors(command: list[str], folder: Path, family: FamilyRegistered) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOMEOSTAT_")}
    environment = {"OMP_NUM_THREADS": "1"} | environment  # as the retrain actuator starts it
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)[:_CHARACTERS]
    missing, errors = {arm.name for arm in family.arms}, list[str]()
    for raw in done.stdout.splitlines():
        try:
            line = msgspec.json.decode(raw, type=Line)
        except msgspec.MsgspecError:
            continue
        missing.discard(line.arm)
        if line.error:
            errors.append(f"{line.arm}: {line.error}")
        elif not (folder / "out" / line.path).is_file():
            errors.append(f"{line.arm}: it has saved nothing at {line.path!r}")
    if missing:
        words = done.stderr.decode(errors="replace").strip()[-_CHARACTERS:]
        errors.append(f"it ended with {done.returncode} before {', '.join(sorted(missing))}: {words}")
    return "; ".join(errors)
