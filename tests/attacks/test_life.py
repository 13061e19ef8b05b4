"""Threats to the life of an action: strangers who deploy, claim, flood, or die, against the whole loop in memory."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.e2e.served import MODEL, SCOPE, VERSION, Served, serving

from homeostat.core import Reject
from homeostat.events import DeploymentObserved, ModelRegistered, ScopeConfigured
from homeostat.events.logs import GOVERNANCE, INDICATORS, QUARANTINE, REQUESTS, TELEMETRY, VERDICTS
from homeostat.services.governor.state import State
from homeostat.serving import Deployment


def law(served: Served) -> State:
    """What the governor knows."""
    host = next(host for host in served.system.loop.hosts if host.fold.name == "governor")
    state = host.assignments[0].states["*"]
    assert isinstance(state, State)
    return state


def champions(served: Served) -> dict[str, str]:
    """What every fold takes for the champion."""
    found = {"governor": law(served).registry.models[MODEL].champion}
    for host in served.system.loop.hosts:
        for assignment in host.assignments:
            for state in assignment.states.values():
                if host.fold.name == "drift_detector":
                    found["drift_detector"] = state.champion.version
                elif host.fold.name == "outcome_evaluator":
                    found["outcome_evaluator"] = state.production.serving
                elif host.fold.name == "meta_learner" and MODEL in state.models:
                    found["meta_learner"] = state.models[MODEL].champion
    return found


def outside(served: Served, version: str, *, is_announced: bool = True) -> None:
    """Somebody puts the same weights there under another name, past the rollout hand."""
    before = served.system.target.deployment(MODEL)
    digest = before.artifacts[before.champion]
    changed = replace(
        before,
        sequence=f"{before.sequence[:-4]}{int(before.sequence[-4:]) + 1:04d}",
        champion=version,
        artifacts={version: digest},
    )
    served.system.target.apply(MODEL, changed)
    if is_announced:
        served.system.publish(TELEMETRY, MODEL, DeploymentObserved(version=version, artifact=digest))
        served.system.settle(0, 0)


def retrains(served: Served) -> list[Any]:
    """Verdicts on retrains."""
    return [said for said in served.said(VERDICTS, "verdict.given") if said.kind == "retrain"]


@pytest.mark.parametrize("is_announced", [True, False])
def test_after_a_deployment_past_the_governor_everybody_agrees_and_the_model_is_adapted(is_announced: bool) -> None:
    """Threat: a pipeline or an attacker changes what serves. It is seen, followed everywhere, and locks nothing out."""
    with serving(100) as served:
        served.install()
        served.play(60)
        outside(served, "theirs", is_announced=is_announced)
        served.play(100)

        assert set(champions(served).values()) == {"theirs"}
        assert [said.version for said in served.said(INDICATORS, "deployment.unapproved")] == ["theirs"]

        served.world.is_turned = True
        served.play(200)

        given = retrains(served)
        assert not [said for said in given for rule in said.rules if rule.rule == "known_model" and not rule.passed]
        assert "approved" in {said.verdict for said in given}
        assert served.system.target.deployment(MODEL).champion not in (VERSION, "theirs")
        assert len(set(champions(served).values())) == 1


def test_an_unsigned_deployment_changes_nothing_where_it_must_be_signed() -> None:
    """Threat: whoever may write telemetry ends actions, and points the books at a version of theirs."""
    with serving(100) as served:
        served.install()
        served.system.publish(REQUESTS, SCOPE, ScopeConfigured(scope=SCOPE, settings={"signed_deployments": True}))
        served.play(20)

        served.system.publish(TELEMETRY, MODEL, DeploymentObserved(version="theirs"))
        served.play(20)

        assert set(champions(served).values()) == {VERSION}
        assert "unsigned" in {said.reason for said in served.said(QUARANTINE, "event.refused")}


def test_a_flood_of_deployments_is_bounded() -> None:
    """Threat: two versions announced in turns keep a model from ever being adapted, and fill the serial log."""
    with serving(100) as served:
        served.install()
        for number in range(500):
            served.system.publish(TELEMETRY, MODEL, DeploymentObserved(version=f"v{number % 2}"))
        served.system.settle(0, 0)

        assert len(served.said(GOVERNANCE, "deployment.observed")) == 120  # changes, and repetitions of the last one
        assert {said.reason for said in served.said(QUARANTINE, "event.refused")} == {"deployment_rate"}
        served.play(20)
        assert len(served.said(INDICATORS, "deployment.unapproved")) <= 60


def test_a_claim_to_have_been_noticed_is_an_announcement() -> None:
    """Threat: `is_noticed` written at the door passes for the detector's word."""
    with serving(100) as served:
        served.install()
        claim = DeploymentObserved(version="theirs", is_noticed=True, model="other/model")
        served.system.publish(TELEMETRY, MODEL, claim)
        served.system.settle(0, 0)

        said = served.said(GOVERNANCE, "deployment.observed")
        assert [(one.model, one.is_noticed) for one in said] == [(MODEL, False)]


def test_a_hand_that_always_fails_keeps_neither_the_model_nor_the_tokens() -> None:
    """Threat: a broken target holds a model, its money and its canary for a week."""
    with serving(100) as served:
        served.install()
        served.play(60)

        def broken(model: str, deployment: Deployment) -> bool:
            raise Reject("target_failed", "no such server")

        served.system.target.apply = broken  # type: ignore[method-assign]  # it broke
        served.world.is_turned = True
        served.play(80)

        state = law(served)
        ended = [said for said in retrains(served) if said.verdict == "expired"]
        assert [(rule.rule, rule.value) for rule in ended[0].rules] == [("hand", "target_failed")]
        assert (state.flight.actions, state.flight.loads, state.flight.slots_taken) == ({}, {}, 0)
        assert state.budgets.by_scope[SCOPE].reserved == 0.0


def test_models_of_a_stranger_do_not_slow_the_decisions_of_others() -> None:
    """Threat: registrations in one scope make the serial log slow for all; a decision does not look at them."""
    with serving(100) as served:
        served.install()
        for number in range(300):
            served.system.publish(TELEMETRY, f"junk/m{number}", ModelRegistered(family="f", champion="v0"))
        served.system.settle(0, 0)

        state = law(served)
        assert sum(name.startswith(f"{SCOPE}/") for name in state.registry.models) == 1
        assert sum(state.registry.n_kept.values()) + state.registry.n_idle == len(state.registry.models)
