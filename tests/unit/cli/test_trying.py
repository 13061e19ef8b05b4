"""`homeostat try`: a drift in a copy of a model, the whole way, and nothing of it in the logs."""

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save
from tests.unit.cli.system import System

from homeostat.artifacts import FolderStore
from homeostat.events import Arm, EpisodeRecorded, FamilyRegistered, FeatureContract, ModelRegistered, Samples
from homeostat.events.columns import F4, pack
from homeostat.events.logs import EXPERIENCE, LOGS, TELEMETRY, TRACES
from homeostat_tools.cli.rendering import event_of

NAMES = ("a", "b", "c", "d")


def load(content: bytes) -> Callable[[Any], Any]:
    """A model that compares the first input with a threshold."""
    threshold = float(pickle.loads(content))
    return lambda x: (np.asarray(x)[:, 0] > threshold).astype(int)


def serve(system: System, artifact: str | None, *, n: int = 1200, width: int = 4) -> None:
    """A model whose answer hangs on its first input, with `n` labelled rows on the timeline."""
    rng = np.random.default_rng(0)
    arms = (Arm(name="warm", hyperparameters={"lr": 0.5, "steps": 200, "rows": 80}),)
    system.log.publish(
        TRACES, "shop/rank", FamilyRegistered(arms=arms, baseline="warm", horizon_labels=100, n_shadows=0),
        id_="f", source="/svc",
    )  # fmt: skip
    registered = ModelRegistered(
        family="rank",
        classes=("no", "yes"),
        features=tuple(FeatureContract(name=name) for name in NAMES),
        input_width=width,
        champion="v1",
        artifact=artifact,
    )
    system.log.publish(TELEMETRY, "shop/ranker", registered, id_="m", source="/svc")
    for number in range(n // 50):
        x = rng.normal(size=(50, 4)).astype(np.float32)
        truth = (x[:, 0] > 0).astype(float)
        samples = Samples(
            version="v1",
            role="champion",
            request=[f"r{number}-{row}" for row in range(50)],
            time=pack([1.7e9 + number] * 50),
            features=list(NAMES),
            values=np.ascontiguousarray(x.T, F4).tobytes(),
            prediction=pack(truth),
            score=pack([0.9] * 50),
            label=pack(truth),
            captured=list(range(50)),
            inputs=pack(x[:, :width], F4),
        )
        system.log.publish(TELEMETRY, "shop/ranker", samples, id_=f"s{number}", source="/svc")
    system.logs.flush()


def network() -> bytes:
    """It answers yes where the first input is above 0."""
    weight = np.zeros((4, 2), np.float32)
    weight[0, 1] = 4.0
    return save({"w1": weight, "b1": np.zeros(2, np.float32)})


def everything(system: System) -> list[int]:
    """Number of records of every log."""
    return [len(list(system.log.all(log.name))) for log in LOGS]


def test_a_shift_is_detected_trained_and_promoted(system: System) -> None:
    """By the recipe of the family, on the input that moves the answers most; each step with its rows and seconds."""
    serve(system, FolderStore(system.folder / "artifacts").put(network()))
    before = everything(system)

    *story, end = system.json("try", "shop/ranker", "mean-shift")

    steps = [step["name"] for step in end["steps"]]
    assert steps == ["detected", "proposed", "decided", "trained", "canary serves", "judged", "measured"]
    assert (end["state"], end["is_input"]) == ("promoted", True)
    assert end["champion"] != "v1"
    assert end["errors"]["before"] < 0.01 < 0.3 < end["errors"]["drifted"]
    assert end["errors"]["at the end"] < 0.1
    assert {line["subject"].split("/")[0] for line in story} == {"shop"}
    assert everything(system) == before


def test_a_model_that_serves_itself_is_loaded_by_its_own_function(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And trained by its own recipe, in a process as the retrain actuator runs it; --learn records the training."""
    recipe = tmp_path / "recipe.py"
    recipe.write_text(
        "import pickle\nfrom homeostat.recipe import run\n"
        "def fit(lesson):\n    return pickle.dumps(float(lesson.x[lesson.y > 0, 0].min()))\n"
        "run(fit, media_type='application/x-pickle')\n"
    )
    monkeypatch.setenv(
        "HOMEOSTAT_RETRAIN_ACTUATOR_RECIPES", json.dumps({"default": [sys.executable, str(recipe), "{job}"]})
    )
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3] / "shared"))
    (tmp_path / "v1.pickle").write_bytes(pickle.dumps(0.0))
    serve(system, None)
    given = ("--serve", "tests.unit.cli.test_trying:load", "--champion", str(tmp_path / "v1.pickle"), "--learn")

    said = system("try", "shop/ranker", "mean-shift", "--feature", "a", *given)

    assert "promoted after a mean-shift of a" in said
    episodes = [event_of(record).data for record in system.log.all(EXPERIENCE)]
    assert [one.configuration for one in episodes if isinstance(one, EpisodeRecorded)] == ["warm"]


@pytest.mark.parametrize(
    ("n", "artifact", "arguments", "code", "reason"),
    [
        (100, True, (), 3, "100 rows of shop/ranker on the timeline have both a captured input and a label"),
        (1200, False, (), 3, "--champion FILE"),
        (1200, True, ("--feature", "z"), 2, "there are: a, b, c, d"),
        (1200, True, ("--serve", "nowhere:load"), 2, "write MODULE:FUNCTION"),
    ],
)
def test_where_it_cannot_go_is_said(
    system: System, n: int, artifact: bool, arguments: tuple[str, ...], code: int, reason: str
) -> None:
    """In one line, with what to do."""
    serve(system, FolderStore(system.folder / "artifacts").put(network()) if artifact else None, n=n)

    system("try", "shop/ranker", "mean-shift", *arguments, code=code)

    assert reason in system.stderr


def test_features_that_are_no_inputs_move_no_answer(system: System) -> None:
    """Which is said: no training could mend it."""
    weight = np.zeros((3, 2), np.float32)
    weight[0, 1] = 4.0
    artifact = FolderStore(system.folder / "artifacts").put(save({"w1": weight, "b1": np.zeros(2, np.float32)}))
    serve(system, artifact, width=3)

    system("try", "shop/ranker", "mean-shift", "--rows", "1000")

    assert "no training could mend it" in system.stderr
