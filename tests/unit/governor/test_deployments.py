"""A deployment from outside counts for everybody or for nobody, and what nobody approved is said."""

from typing import Any

import pytest
from tests.unit.governor.driver import DIGEST, FAMILY, MODEL, SCOPE, GovernorDriver, verdict
from tests.unit.governor.emits import data_of, one

from homeostat.core import Emit, Reject
from homeostat.events import (
    DeploymentObserved,
    DeploymentUnapproved,
    IndicatorComputed,
    RolloutPromote,
    ScopeConfigured,
)
from homeostat.events.logs import EXPERIENCE, INDICATORS, TIMELINE


def deploy(court: GovernorDriver, version: str, by: str = "", **fields: Any) -> list[Emit]:
    """Announce a deployment as intake passes it on; signed under the model's own subject, before intake named it."""
    data = DeploymentObserved(version=version, **fields)
    if by:
        data = court.signed(data, by, subject=MODEL)
    return court.tell(data.model_copy(update={"model": MODEL}))


def test_a_deployment_goes_on_to_whoever_follows_the_champion(court: GovernorDriver) -> None:
    """Timeline and family hear of it from the governor, with where it came from."""
    emits = deploy(court, "v9", "olga", artifact="9" * 64)

    passed = [(emit.log, emit.subject) for emit in emits if isinstance(emit.data, DeploymentObserved)]
    assert passed == [(TIMELINE, MODEL), (EXPERIENCE, FAMILY)]
    assert {d.provenance.source for d in data_of(emits, DeploymentObserved) if d.provenance} == {"/cli"}
    assert (court.state.registry.models[MODEL].champion, court.state.registry.models[MODEL].artifact) == (
        "v9",
        "9" * 64,
    )
    assert verdict(court.propose(champion="v9")[1]).verdict == "approved"


def test_what_serves_already_is_no_news(court: GovernorDriver) -> None:
    """However often it is said."""
    deploy(court, "v9")

    assert [deploy(court, "v9") for _ in range(3)] == [[], [], []]


def test_a_version_that_nobody_approved_is_told_with_what_it_ended(court: GovernorDriver) -> None:
    """Once for each deployment, beside a number that grows."""
    action = court.roll()

    emits = deploy(court, "v9", reason="by hand")

    said = one(emits, DeploymentUnapproved)
    assert (said.model, said.version, said.replaced, said.ended, said.reason) == (
        MODEL,
        "v9",
        "v0",
        (action,),
        "by hand",
    )
    assert (said.is_noticed, said.is_counted) == (False, True)
    assert [emit.subject for emit in emits if emit.log == INDICATORS] == [MODEL, MODEL]
    assert one(deploy(court, "v8", is_noticed=True), DeploymentUnapproved).is_noticed
    assert one(deploy(court, "v9"), IndicatorComputed).value == 3.0


def test_a_step_back_by_hand_is_not_approved_either(court: GovernorDriver) -> None:
    """The books follow it: what was left is not good."""
    action = court.roll()
    court.apply(one(court.judge(action, "promote"), RolloutPromote), "promote")
    court.settle(action)

    emits = deploy(court, "v0")

    assert one(emits, DeploymentUnapproved).replaced == "warm-1"
    model = court.state.registry.models[MODEL]
    assert (model.champion, model.artifact, model.last_good) == ("v0", DIGEST["v0"], None)


@pytest.mark.parametrize("is_reported", [True, False])
def test_our_own_promotion_is_approved_whoever_announces_it(court: GovernorDriver, is_reported: bool) -> None:
    """Before the hand's report or after it: timeline and family hear of it from the hand."""
    action = court.roll()
    promotion = one(court.judge(action, "promote"), RolloutPromote)
    if is_reported:
        court.apply(promotion, "promote")

    assert deploy(court, "warm-1") == []
    assert court.state.registry.models[MODEL].champion == "warm-1"
    assert action in court.state.flight.actions


def test_a_canary_that_somebody_made_the_champion_was_not_approved(court: GovernorDriver) -> None:
    """Its rollout was still being judged."""
    court.roll()

    assert one(deploy(court, "warm-1"), DeploymentUnapproved).version == "warm-1"


def signed_only(court: GovernorDriver) -> GovernorDriver:
    """A scope in which an unsigned announcement is none."""
    court.law(ScopeConfigured(scope=SCOPE, settings={"signed_deployments": True}), subject=SCOPE)
    return court


def test_in_a_scope_that_wants_it_only_signed_deployments_count(court: GovernorDriver) -> None:
    """Of an operator here; not of who may only approve, and not of nobody."""
    signed_only(court)

    with pytest.raises(Reject, match="unsigned"):
        deploy(court, "v9")
    with pytest.raises(Reject, match="role_missing"):
        deploy(court, "v9", "ada")
    assert court.state.registry.models[MODEL].champion == "v0"
    assert data_of(deploy(court, "v9", "olga"), DeploymentObserved)
    assert court.state.registry.models[MODEL].champion == "v9"


def test_a_signature_covers_the_model_the_version_and_one_deployment(court: GovernorDriver) -> None:
    """Moved to another model, changed or sent again, it is none."""
    signed_only(court)
    court.register(model="acme/other")
    data = court.signed(DeploymentObserved(version="v9"), "olga", subject=MODEL)

    for changes in ({"model": "acme/other"}, {"model": MODEL, "version": "v8"}, {"model": MODEL, "artifact": "8" * 64}):
        with pytest.raises(Reject, match="signature_invalid"):
            court.tell(data.model_copy(update=changes))
    court.tell(data.model_copy(update={"model": MODEL}))
    deploy(court, "v7", "olga")
    with pytest.raises(Reject, match="replayed"):
        court.tell(data.model_copy(update={"model": MODEL}))

    assert court.state.registry.models["acme/other"].champion == "v0"
    assert court.state.registry.models[MODEL].champion == "v7"


def test_what_is_only_noticed_does_not_count_where_it_must_be_signed(court: GovernorDriver) -> None:
    """It is told all the same; nothing is ended, and the model waits for a word."""
    signed_only(court)
    action = court.roll()

    emits = deploy(court, "v9", is_noticed=True)

    assert not one(emits, DeploymentUnapproved).is_counted
    assert not data_of(emits, DeploymentObserved)
    assert (court.state.registry.models[MODEL].champion, action in court.state.flight.actions) == ("v0", True)
