"""What is set counts where it is set: foreign families, rules and settings that families hear."""

from typing import Any

import pytest
from tests.unit.governor.driver import FAMILY, SCOPE, GovernorDriver, proposal, verdict
from tests.unit.governor.emits import data_of

from homeostat.core import Emit
from homeostat.events import (
    ActionRequested,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
)


def test_a_request_of_a_foreign_model_in_the_own_family_is_denied(court: GovernorDriver) -> None:
    """The role counts in the family's scope, so the model must be in it."""
    court.register("other/camera-9")
    asked: dict[str, Any] = dict(proposal(model="other/camera-9"))

    emits = court.tell(court.signed(ActionRequested.model_validate(asked), "olga", subject="*"), subject="*")

    assert verdict(emits).verdict == "denied"
    assert [rule.rule for rule in verdict(emits).rules if not rule.passed] == ["known_model", "data_window"]


def test_families_hear_the_rules_that_are_in_force_for_them(court: GovernorDriver) -> None:
    """Rules of all do not displace those of a scope; who comes later hears of both rules and distrust."""
    court.law(RulesSet(scope=SCOPE, price_per_training_second=7.0))
    court.register("other/m", family="f")

    everywhere = court.law(RulesSet(scope="*", price_per_training_second=1.0))
    court.law(SourceDistrusted(scope=SCOPE, source="/bad"))
    late = court.register("acme/late", family="late")

    assert [emit.subject for emit in everywhere] == ["other/f"]
    assert [emit.subject for emit in late] == ["acme/late", "acme/late"]
    assert data_of(late, RulesSet)[0].price_per_training_second == 7.0
    assert data_of(late, SourceDistrusted)[0].source == "/bad"
    assert court.register("acme/camera-2") == []
    assert FAMILY in {model.family for model in court.state.registry.models.values()}


@pytest.mark.parametrize("is_first", [True, False])
def test_a_family_hears_how_its_scope_is_configured_whenever_it_comes(court: GovernorDriver, is_first: bool) -> None:
    """What was set before its first model is not lost; what was not named again stays."""
    heard: list[Emit] = []
    if not is_first:
        heard += court.register("acme/late", family="late")
    heard += court.law(ScopeConfigured(scope=SCOPE, owner="line", settings={"learning": "catalogue"}))
    heard += court.law(ScopeConfigured(scope=SCOPE, settings={"paging": True}))
    if is_first:
        heard += court.register("acme/late", family="late")

    said = [emit.data for emit in heard if emit.subject == "acme/late" and isinstance(emit.data, ScopeConfigured)]
    known: dict[str, Any] = {}
    for data in said:
        known |= data.settings
    assert known == {"learning": "catalogue", "paging": True}
    assert said[0].owner == "line"
