"""What somebody forgets who begins: `homeostat check` names it with what mends it; `why` does once the model errs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from homeostat.audit.secret_file import ensure_secret
from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.core import Payload
from homeostat.events import (
    Arm,
    FamilyRegistered,
    FeatureContract,
    FreezeSet,
    LabelsObserved,
    ModelRegistered,
    RulesSet,
    SamplesObserved,
    ScopeConfigured,
)
from homeostat.events.logs import GOVERNANCE, REQUESTS, TELEMETRY, TRACES
from homeostat.recipe_file import write_recipes
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.settings import HostSettings
from homeostat.serving import Served
from homeostat.serving.deployment_http import DeploymentProtocol
from homeostat_lab.demo.memory_loop import InMemory, in_memory
from homeostat_tools.cli.checks import Check
from homeostat_tools.cli.model_checks import Model, examine
from homeostat_tools.cli.why import Answer, explain
from homeostat_tools.local_stack.ports import pick_port

MODEL, FAMILY, N = "lab/m", "lab/f", 40
ARM: Final = Arm(name="fresh", hyperparameters={"initial_weights": "random", "steps": 20})
GROUPS: Final = {name: {(GOVERNANCE, 0): 10**9} for name in ("governor", "retrain-actuator", "rollout-actuator")}


class Beginner:
    """Somebody who connects a model, all but for what is forgotten.

    Args:
        system: In memory.
        folder: Data folder.
    """

    def __init__(self, system: InMemory, folder: Path) -> None:
        self.system, self.settings = system, HostSettings(data_dir=folder, store=str(folder / "artifacts"))

    def register(self, *, family: str = FAMILY, width: int = 2, **family_fields: Any) -> None:
        """Family, then model."""
        fields = {"arms": (ARM,), "baseline": "fresh"} | family_fields
        self.say(TRACES, family, FamilyRegistered.model_validate(fields))
        features = (FeatureContract(name="x"),)
        self.say(TELEMETRY, MODEL, ModelRegistered(family="f", champion="v1", input_width=width, features=features))

    def serve(
        self,
        *,
        n: int = 10,
        n_bad: int = 0,
        inputs: bool = True,
        ids: str = "",
        labelled: str = MODEL,
        version: str = "v1",
    ) -> None:
        """Rows that are right, then so many batches that are wrong, and their labels, one batch late.

        Args:
            n: Batches.
            n_bad: Of them wrong, the last ones.
            inputs: Whether inputs are kept.
            ids: Put before the ids in labels.
            labelled: Whose labels they are said to be; nobody's if it is empty.
            version: That answers.
        """
        rng = np.random.default_rng(0)
        for batch in range(n):
            y = rng.integers(0, 2, N)
            said = np.where(rng.random(N) < (0.6 if batch >= n - n_bad else 0.05), 1 - y, y)
            x, request, at = rng.normal(size=N), [f"{batch}-{row}" for row in range(N)], 1.7e9 + N * batch
            rows = SamplesObserved(
                version=version,
                request=request,
                time=[at] * N,
                prediction=said.astype(float).tolist(),
                features={"x": x.tolist()},
                captured=list(range(N)) if inputs else [],
                inputs=np.column_stack((x, y)).tolist() if inputs else [],
            )
            self.say(TELEMETRY, MODEL, rows.columns())
            if labelled:
                named = [ids + one for one in request]
                labels = LabelsObserved(request=named, label=y.astype(float).tolist(), time=[at + 1.0] * N)
                self.say(TELEMETRY, labelled, labels.columns())

    def say(self, log: str, subject: str, data: Payload) -> None:
        """Publish."""
        self.system.publish(log, subject, data)
        self.system.settle(0, 0)

    def check(self, *, with_recipe: bool = True) -> dict[str, Check]:
        """What is found, by name."""
        model = Model(MODEL, self.settings, MemoryLogs(self.system.log, GROUPS))
        return {found.name: found for found in examine(model, with_recipe=with_recipe)}

    def why(self) -> Answer:
        """What `homeostat why` says."""
        return explain(MemoryLogs(self.system.log, GROUPS), MODEL)


def wrong(found: dict[str, Check]) -> set[str]:
    """Names of what is not well."""
    return {name for name, one in found.items() if one.verdict != "ok"}


@pytest.fixture
def beginner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Beginner]:
    """With a server that answers."""
    with in_memory() as system:
        found = Beginner(system, tmp_path)
        client = Client(source="/lab", logs=MemoryLogs(MemoryLog(partitions=1)), settings=found.settings)
        served = Served(MODEL, "v1", lambda x: np.zeros(len(x)), load=lambda _: lambda x: x, client=client)
        token = ensure_secret(found.settings.token_file)
        listener = DeploymentProtocol([served], lambda: token).listen()
        monkeypatch.setenv("HOMEOSTAT_ROLLOUT_ACTUATOR_URL", listener.url)
        yield found
        listener.close()
        served.close()


def test_with_all_of_it_nothing_is_wrong(beginner: Beginner) -> None:
    """The recipe was run on the rows, the server was asked, and serves what it served."""
    beginner.register()
    beginner.serve()

    found = beginner.check()

    assert wrong(found) == set(), {name: one.detail for name, one in found.items() if name in wrong(found)}
    assert set(found) >= {"registered", "family", "rows", "inputs", "labels", "recipe", "server", "rules", "frozen"}
    assert "400 labelled rows" in found["recipe"].detail
    assert "takes our token" in found["server"].detail


def test_a_model_that_nobody_registered_is_named_with_what_came_under_other_names(beginner: Beginner) -> None:
    """A slip of the pen in the subject is found."""
    beginner.serve(n=1, labelled="lab/mm")

    found = beginner.check()

    assert "registered" in wrong(found)
    assert "lab/mm" in found["registered"].detail
    assert "homeostat new model lab/m" in found["registered"].mend


@pytest.mark.parametrize(
    ("registered", "served", "check", "says", "mends", "why"),
    [
        ({"family": "lab/g"}, {}, "family", "there is lab/g", "family.registered lab/f", "no retrain without arms"),
        ({"recipe": "forest"}, {}, "recipe", "no recipe 'forest'", "[recipes] forest", "no recipe 'forest'"),
        ({}, {"inputs": False}, "inputs", "nothing to train on", "`inputs`", "no labelled row with a captured input"),
        (
            {"width": 0},
            {"inputs": False},
            "inputs",
            "nothing to train on",
            "`input_width`",
            "no labelled row with a captured input",
        ),
        ({"width": 0}, {}, "rows", "all of its rows are refused", "`input_width`", "all of its rows are refused"),
        ({}, {"ids": "x"}, "labels", "none of its labels finds its row", "ids", "none of its labels finds its row"),
        ({}, {"labelled": "lab/mm"}, "labels", "under lab/mm", "under lab/m", "came under lab/mm"),
        (
            {"arms": (Arm(name="fresh"),)},
            {},
            "recipe",
            "no champion weights to start from",
            "`artifact`",
            "no champion weights to start from",
        ),
    ],
    ids=["family", "recipe", "inputs", "inputs_and_width", "width", "ids", "subject", "weights"],
)
def test_a_mistake_is_named_by_both(
    beginner: Beginner,
    registered: dict[str, Any],
    served: dict[str, Any],
    check: str,
    says: str,
    mends: str,
    why: str,
) -> None:
    """By `check` from the first rows on; by `why` as the reason, once the model errs."""
    beginner.register(**registered)
    beginner.serve(n=80, n_bad=40, **served)

    found = beginner.check()[check]

    assert found.verdict == "fail"
    assert says in found.detail
    assert mends in found.mend
    assert why in beginner.why().because


def test_a_server_that_is_away_or_has_another_token_is_named(
    beginner: Beginner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before any rollout fails because of it."""
    beginner.register()
    beginner.serve(n=2)
    other = tmp_path / "other.token"
    ensure_secret(other)
    monkeypatch.setenv("HOMEOSTAT_ROLLOUT_ACTUATOR_TOKEN_FILE", str(other))
    found = beginner.check(with_recipe=False)
    assert wrong(found) == {"server"}
    assert "does not take the token" in found["server"].detail

    monkeypatch.setenv("HOMEOSTAT_ROLLOUT_ACTUATOR_URL", f"http://127.0.0.1:{pick_port(())}")
    found = beginner.check(with_recipe=False)
    assert wrong(found) == {"server"}
    assert "nobody answers" in found["server"].detail


def test_a_version_that_nobody_announced_is_named(beginner: Beginner) -> None:
    """It answers as the champion, and is not the one that was registered."""
    beginner.register()
    beginner.serve(n=5, version="v9")

    found = beginner.check(with_recipe=False)

    assert "version" in wrong(found)
    assert "v9" in found["version"].detail
    assert "v9" in beginner.why().facts["versions"]


def test_law_that_allows_nothing_is_named(beginner: Beginner) -> None:
    """A limit of 0, a freeze, a scope that only observes."""
    beginner.register()
    beginner.serve(n=2)
    beginner.say(REQUESTS, "*", RulesSet(max_actions=0))
    beginner.say(REQUESTS, "lab", FreezeSet(scope="lab", reason="night"))
    beginner.say(REQUESTS, "*", ScopeConfigured(scope="*", settings={"mode": "observe"}))

    found = beginner.check(with_recipe=False)

    assert wrong(found) == {"rules", "frozen", "mode"}
    assert "max_actions" in found["rules"].detail
    assert found["mode"].mend == "homeostat act lab"
    assert found["frozen"].mend == "homeostat unfreeze lab"


@pytest.mark.parametrize(
    ("program", "says"),
    [("raise ValueError('no rows')", "ended with 1"), ("", "ended with 0 before fresh")],
)
def test_a_recipe_that_cannot_run_is_named(beginner: Beginner, tmp_path: Path, program: str, says: str) -> None:
    """With its last words."""
    beginner.register(recipe="own")
    beginner.serve(n=2)
    (tmp_path / "recipe.py").write_text(program)
    write_recipes(tmp_path, {"own": ["python", str(tmp_path / "recipe.py"), "{job}"]})

    found = beginner.check()["recipe"]

    assert found.verdict == "fail"
    assert says in found.detail
