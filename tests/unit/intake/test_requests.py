"""The requests door."""

from collections.abc import Callable
from typing import Any

import pytest

from homeostat.core import Payload, Reject
from homeostat.events import (
    ApprovalGiven,
    BudgetSet,
    FreezeSet,
    KeyRegistered,
    Range,
    RetrainRequested,
    RevertRequested,
    RoleGranted,
    RulesSet,
    SourceDistrusted,
)
from homeostat.events.logs import GOVERNANCE
from homeostat.services.intake.requests import RequestsIntake

WINDOW = Range(log="l", subject="acme/m1", source="/s", first="1.0", last="2.0", from_time=0, rows=80)
ACTION = RetrainRequested(family="acme/digits", model="acme/m1", chosen="skip", window=WINDOW)


@pytest.mark.parametrize(
    "data",
    [
        ACTION,
        ApprovalGiven(action="a"),
        FreezeSet(scope="acme"),
        RevertRequested(model="acme/m1"),
        KeyRegistered(key="k", public_key="0" * 64, principal="ann"),
    ],
)
def test_requests_reach_governance(knock: Callable[..., Any], data: Payload) -> None:
    """A request goes to governance under its key, whole."""
    (emit,) = knock(RequestsIntake, "acme").send(data)

    assert (emit.log, emit.subject) == (GOVERNANCE, None)
    assert emit.data.model_copy(update={"provenance": None}) == data


@pytest.mark.parametrize(
    "data",
    [
        FreezeSet(scope="other"),
        FreezeSet(scope="*"),
        BudgetSet(scope="other", money=1, period_ms=1),
        RulesSet(),
        RoleGranted(principal="ann", role="admin"),
        SourceDistrusted(scope="other", source="/x"),
        RevertRequested(model="other/m1"),
        ACTION.model_copy(update={"family": "other/digits"}),
        ACTION.model_copy(update={"model": "other/m1"}),
    ],
)
def test_scope_cannot_speak_for_another(knock: Callable[..., Any], data: Payload) -> None:
    """The key decides the scope; only the organisation's key may name others."""
    with pytest.raises(Reject) as refusal:
        knock(RequestsIntake, "acme").send(data)

    assert refusal.value.reason == "scope_mismatch"
    assert knock(RequestsIntake, "*").send(data)
