"""Law is made by people who sign, and by two where one could be anybody; strangers can neither make nor bury it."""

import pytest
from tests.unit.governor.driver import (
    HOUR_MS,
    MODEL,
    SCOPE,
    WINDOW,
    GovernorDriver,
    key_of,
    money,
    proposal,
    registration,
    verdict,
)
from tests.unit.governor.emits import data_of, one

from homeostat.core import Reject
from homeostat.core.identity import scope_of
from homeostat.events import (
    ActionRequested,
    ApprovalGiven,
    EventRefused,
    FamilyObserved,
    FreezeSet,
    KeyRevoked,
    ModelConfigured,
    RequestHeld,
    RoleGranted,
    RoleRevoked,
    RulesSet,
)
from homeostat.services.governor import families, registry

NO_APPROVAL = RulesSet(scope=SCOPE, approval_tiers=())


@pytest.fixture
def court() -> GovernorDriver:
    """Root, who has made an operator and two approvers; one model."""
    return GovernorDriver()


@pytest.fixture
def two_admins(court: GovernorDriver) -> GovernorDriver:
    """Root has made two admins that neither of them has made."""
    for name in ("ann", "bea"):
        court.law(registration(name))
        court.law(RoleGranted(principal=name, role="admin"))
    return court


def test_telemetry_may_raise_a_tier_and_never_lower_it(court: GovernorDriver) -> None:
    """Threat: an unsigned registration with `tier: low` switches the approval gate off."""
    court.register(tier="high")
    court.register(tier="low")

    assert verdict(court.propose()[1]).verdict == "held"


def test_telemetry_moves_no_model_to_another_family(court: GovernorDriver) -> None:
    """Threat: an unsigned registration takes a model away from the rules of its family, and from its learner."""
    court.register(family="mine")

    assert court.state.registry.models[MODEL].family == "acme/cameras"
    assert verdict(court.propose()[1]).verdict == "approved"


def test_the_law_lowers_a_tier_with_two_people(court: GovernorDriver) -> None:
    """Threat: one person lowers the tier of a model to have its changes unseen."""
    court.register(tier="high")
    lower = ModelConfigured(model=MODEL, tier="low")
    assert one(court.law(lower, "olga", subject=SCOPE), EventRefused).reason == "role_missing"

    assert one(court.law(lower, "ada", subject=SCOPE), RequestHeld).principal == "ada"
    assert one(court.law(lower, "ben", subject=SCOPE), RequestHeld).principal == "ben", "two approvers, and no admin"
    assert court.state.registry.models[MODEL].tier == "high"
    court.law(registration("ann"))
    court.law(RoleGranted(principal="ann", role="admin", scope=SCOPE))
    assert court.law(lower, "ann", subject=SCOPE) == []

    assert court.state.registry.models[MODEL].tier == "low"


def test_a_regulated_model_waits_for_a_person_at_any_tier(court: GovernorDriver) -> None:
    """One operator makes it so; two people end it."""
    court.law(ModelConfigured(model=MODEL, is_regulated=True, owner="line"), "olga", subject=SCOPE)

    assert verdict(court.propose()[1]).rules[-1].reason == "a regulated model waits for a person"
    ended = court.law(ModelConfigured(model=MODEL, is_regulated=False), "root", subject=SCOPE)
    assert len(data_of(ended, RequestHeld)) == 1
    assert court.state.registry.models[MODEL].is_regulated


@pytest.mark.parametrize("first", ["ada", "ann"])
def test_rules_that_weaken_approval_need_an_admin_and_a_second_person(two_admins: GovernorDriver, first: str) -> None:
    """Threat: an operator drops the four-eyes rule of the own scope."""
    second = "ann" if first == "ada" else "ada"
    refused = two_admins.law(NO_APPROVAL, "olga", subject=SCOPE)
    assert one(refused, EventRefused).reason == "role_missing"

    held = one(two_admins.law(NO_APPROVAL, first, subject=SCOPE), RequestHeld)
    again = two_admins.law(NO_APPROVAL, first, subject=SCOPE)
    assert two_admins.state.rules_of(SCOPE)[0].approval_tiers == ("high",)
    two_admins.law(NO_APPROVAL, second, subject=SCOPE)

    assert (held.principal, one(again, RequestHeld).principal) == (first, first)
    assert two_admins.state.rules_of(SCOPE)[0].approval_tiers == ()


def test_the_second_person_says_the_same(two_admins: GovernorDriver) -> None:
    """Threat: the second one agrees to rules, and gets others."""
    two_admins.law(NO_APPROVAL, "ann", subject=SCOPE)

    other = two_admins.law(NO_APPROVAL.model_copy(update={"cooldown_ms": 0}), "bea", subject=SCOPE)

    assert len(data_of(other, RequestHeld)) == 1
    assert two_admins.state.rules_of(SCOPE)[0].approval_tiers == ("high",)


def test_a_first_word_does_not_wait_for_ever(two_admins: GovernorDriver) -> None:
    """Threat: what was half agreed last year is agreed to by a slip today."""
    two_admins.law(NO_APPROVAL, "ann", subject=SCOPE)
    two_admins.now += 25 * HOUR_MS

    assert len(data_of(two_admins.law(NO_APPROVAL, "bea", subject=SCOPE), RequestHeld)) == 1


def test_who_made_a_key_is_no_second_person(court: GovernorDriver) -> None:
    """Threat: one admin makes a second principal and passes the two-person rule."""
    court.law(registration("eve"))
    court.law(RoleGranted(principal="eve", role="admin", scope=SCOPE))

    court.law(NO_APPROVAL, "root", subject=SCOPE)

    assert len(data_of(court.law(NO_APPROVAL, "eve", subject=SCOPE), RequestHeld)) == 1
    assert court.state.rules_of(SCOPE)[0].approval_tiers == ("high",)


def frozen_request(court: GovernorDriver) -> str:
    """What a person asks for in a freeze; its id."""
    court.law(FreezeSet(scope=SCOPE), "root", subject=SCOPE)
    return court.ask(ActionRequested.model_validate(dict(proposal())))[0]


def test_an_emergency_needs_two_that_neither_of_them_made(court: GovernorDriver) -> None:
    """Threat: the same at a freeze: an admin and the admin's own creature. Any two that are two will do."""
    court.law(registration("ann", "admin"))
    court.law(registration("eve", "approver"), "ann")
    yes = ApprovalGiven(action=frozen_request(court), is_emergency=True)

    assert court.tell(court.signed(yes, "ann")) == []
    assert court.tell(court.signed(yes, "eve")) == []
    assert verdict(court.tell(court.signed(yes, "ben"))).verdict == "approved"


def test_who_asked_is_not_approved_by_the_own_creature(court: GovernorDriver) -> None:
    """Threat: root asks, and has a principal of the own say yes."""
    court.register(tier="high")
    action, _ = court.ask(ActionRequested.model_validate(dict(proposal())), "root")

    said = court.tell(court.signed(ApprovalGiven(action=action), "ada"))

    assert one(said, EventRefused).reason == "own_request"


@pytest.mark.parametrize("role", ["admin", "approver"])
def test_power_is_given_by_two_admins_once_there_are_two(two_admins: GovernorDriver, role: str) -> None:
    """Threat: one admin makes as many approvers as the rules ask for."""
    two_admins.law(registration("eve"))
    power = RoleGranted.model_validate({"principal": "eve", "role": role})

    assert len(data_of(two_admins.law(power, "ann"), RequestHeld)) == 1
    assert len(data_of(two_admins.law(registration("mal", role), "ann"), RequestHeld)) == 1
    assert "mal" not in two_admins.state.keyring.roles
    two_admins.law(power, "bea")

    assert two_admins.state.keyring.roles["eve"] == [f"{role}@*"]


def test_roles_and_keys_can_be_taken_back(two_admins: GovernorDriver) -> None:
    """Threat: whoever has left the company goes on ruling."""
    two_admins.law(RoleRevoked(principal="olga", role="operator", scope=SCOPE))
    two_admins.law(KeyRevoked(key=key_of("ada").key_id))

    gone = two_admins.law(FreezeSet(scope=SCOPE), "olga", subject=SCOPE)

    assert one(gone, EventRefused).reason == "role_missing"
    with pytest.raises(Reject, match="key_revoked"):
        two_admins.law(FreezeSet(scope=SCOPE), "ada", subject=SCOPE)
    never = two_admins.law(RoleRevoked(principal="olga", role="admin"))
    assert one(never, EventRefused).reason == "role_unknown"


def test_the_keyring_keeps_an_admin(court: GovernorDriver) -> None:
    """Threat: a slip, or a thief of the last key, locks everybody out."""
    for last in (RoleRevoked(principal="root", role="admin"), KeyRevoked(key=key_of("root").key_id)):
        assert one(court.law(last), EventRefused).reason == "last_admin"


def test_nobody_gets_another_persons_name(two_admins: GovernorDriver) -> None:
    """Threat: an admin puts a key of the own under the name of an approver, and is two people."""
    yes = ApprovalGiven(action=frozen_request(two_admins), is_emergency=True)
    mask = registration("mask").model_copy(update={"principal": "ben"})
    assert len(data_of(two_admins.law(mask, "ann"), RequestHeld)) == 1
    two_admins.law(mask, "bea")
    two_admins.tell(two_admins.signed(yes, "ann"))

    assert two_admins.tell(two_admins.signed(yes, "mask")) == []


def test_a_flood_of_registrations_is_bounded_and_displaces_nobody() -> None:
    """Threat: a hundred thousand models in one scope; memory and every later step would be theirs."""
    court = GovernorDriver(is_restored=False)
    court.register("acme/honest")
    for number in range(registry.MOST_IDLE + 200):
        court.register(f"acme/flood-{number}")

    state = court.state

    assert len(state.registry.models) == state.registry.n_kept.get(SCOPE, 0) + state.registry.n_idle
    assert state.registry.n_idle <= registry.MOST_IDLE
    assert sum(len(idle) for idle in state.registry.idle.values()) == state.registry.n_idle
    assert state.registry.n_forgotten[SCOPE] >= 200
    assert {"acme/honest", MODEL} <= state.registry.models.keys()
    court.register("acme/late")
    assert "acme/late" in state.registry.models


def test_a_stranger_does_not_widen_the_blast_radius() -> None:
    """Threat: a thousand registrations make a quarter of the scope's models hundreds."""
    court = GovernorDriver(is_restored=False)
    court.law(RulesSet(scope=SCOPE, max_rollouts_ratio=0.25), "olga", subject=SCOPE)
    for number in range(100):
        court.register(f"acme/flood-{number}")
    court.register("acme/camera-2")
    court.propose()

    _, emits = court.propose(model="acme/camera-2", window=WINDOW.model_copy(update={"subject": "acme/camera-2"}))

    failing = [rule.rule for rule in verdict(emits).rules if not rule.passed]
    assert "blast_radius" in failing


def named(court: GovernorDriver, family: str) -> list[str]:
    """A stranger names a family; return the reasons of what is refused."""
    emits = court.tell(FamilyObserved(family=family), subject=scope_of(family))
    return [refusal.reason for refusal in data_of(emits, EventRefused)]


def test_scopes_that_strangers_name_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threat: a family in each of a million made-up scopes; a scope that has law of its own hears of it."""
    monkeypatch.setattr(families, "MOST_SCOPES", 20)
    court = GovernorDriver()
    said = [named(court, f"made-up-{n}/f") for n in range(40)]
    court.law(RulesSet(scope="late", cooldown_ms=7), "root", subject="late")

    assert [reasons for reasons in said if reasons] == [["scopes_exceeded"]]
    assert named(court, "late/f") == []
    assert (len(court.state.families.by_scope), court.state.families.n_more_scopes) == (20, 21)
    assert {"acme", "late"} <= court.state.families.by_scope.keys()


def test_families_of_all_scopes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threat: as many families as there may be, in as many scopes as there may be."""
    monkeypatch.setattr(families, "MOST_IN_ALL", 30)
    court = GovernorDriver()
    for number in range(100):
        named(court, f"made-up-{number % 3}/f{number}")

    state = court.state

    assert sum(len(known.names) for known in state.families.by_scope.values()) == state.families.n_families == 30


@pytest.mark.parametrize("bill", [0.0, 1e9])
def test_telemetry_moves_no_budget(court: GovernorDriver, bill: float) -> None:
    """Threat: an unsigned bill, or price of the spot market, gives a budget back, or stops everything."""
    action = court.roll()
    own = sum(action.cost for action in court.state.flight.actions.values())

    court.settle(action, "aborted", cost=bill)
    settled = money(court)
    court.settle(action, "aborted", cost=bill)

    assert settled == money(court) == (0.0, own)
    assert own > 0.0
