"""Who is heard: signatures, keys, roles, scopes."""

import dataclasses

import pytest
from tests.unit.governor.driver import (
    HOUR_MS,
    SCOPE,
    GovernorDriver,
    key_of,
    proposal,
    registration,
)
from tests.unit.governor.emits import one
from tests.unit.governor.refusals import refused

from homeostat.audit.signing import signed_bytes
from homeostat.codec import encode_payload
from homeostat.events import (
    ActionRequested,
    BudgetSet,
    Data,
    EventRefused,
    FreezeLifted,
    FreezeSet,
    KeyRegistered,
    KeyRevoked,
    RevertRequested,
    RoleGranted,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
)
from homeostat.events.requests import LONGEST_VALIDITY_MS
from homeostat.services.governor import authorization
from homeostat.services.governor.state import State

FREEZE = FreezeSet(scope=SCOPE)


def test_the_first_key_signs_itself_and_the_second_one_does_not() -> None:
    """Whoever starts a system holds it, once, and has the key that is named."""
    court = GovernorDriver()
    assert refused(court, registration("eve", "admin"), "*") == "unsigned"
    assert refused(court, court.signed(registration("eve", "admin"), "eve", subject="*"), "*") == "key_unknown"

    court.state = State()

    assert refused(court, registration("eve", "admin"), "*") == "unsigned"
    assert refused(court, court.signed(registration("root", "admin"), "eve", subject="*"), "*") == "signature_invalid"
    assert court.law(registration("root", "admin")) == []
    assert list(court.state.keyring.keys) == [key_of("root").key_id]


def test_a_key_is_named_by_its_bytes(court: GovernorDriver) -> None:
    """Nobody takes another key's place by taking its name."""
    wrong = registration("eve").model_copy(update={"key": key_of("ada").key_id})

    assert refused(court, court.signed(wrong, "root", subject="*"), "*") == "key_invalid"
    assert court.state.keyring.keys[key_of("ada").key_id].principal == "ada"


def test_a_root_key_with_a_wrong_name_is_no_root() -> None:
    """The keyring stays empty and open for the right one."""
    court = GovernorDriver()
    court.state = State()

    wrong = registration("eve").model_copy(update={"key": "mine"})
    assert one(court.law(wrong, "eve"), EventRefused).reason == "key_invalid"


def test_what_was_signed_by_nobody_is_refused(court: GovernorDriver) -> None:
    """No signature, half of one, or one of a stranger."""
    signed = court.signed(FREEZE, "olga")
    assert signed.provenance is not None
    half = signed.model_copy(update={"provenance": dataclasses.replace(signed.provenance, key=None)})

    assert refused(court, FREEZE) == "unsigned"
    assert refused(court, half) == "unsigned"
    assert refused(court, court.signed(FREEZE, "stranger")) == "key_unknown"


def test_a_signature_by_another_key_is_refused(court: GovernorDriver) -> None:
    """The named key must have made it."""
    signed = court.signed(FREEZE, "ada")
    assert signed.provenance is not None
    forged = dataclasses.replace(signed.provenance, key=key_of("olga").key_id)

    assert refused(court, signed.model_copy(update={"provenance": forged})) == "signature_invalid"


@pytest.mark.parametrize(
    ("type_", "subject", "source", "id_", "payload"),
    [
        (FreezeLifted.TYPE, SCOPE, "/cli", "1", FREEZE),
        (FREEZE.TYPE, "other", "/cli", "1", FREEZE),
        (FREEZE.TYPE, SCOPE, "/other", "1", FREEZE),
        (FREEZE.TYPE, SCOPE, "/cli", "2", FREEZE),
        (FREEZE.TYPE, SCOPE, "/cli", "1", FreezeSet(scope="*")),
        ("homeostat.no.such.v1", SCOPE, "/cli", "1", FREEZE),
    ],
)
def test_a_signature_covers_type_subject_source_id_and_payload(
    court: GovernorDriver, type_: str, subject: str, source: str, id_: str, payload: Data
) -> None:
    """What was signed for something else is no signature of this."""
    other = signed_bytes(type_, subject, source, id_, encode_payload(payload)[0])

    assert refused(court, court.signed(FREEZE, "olga", id_="1", signed=other)) == "signature_invalid"


def test_signed_bytes_that_nobody_can_read_are_refused(court: GovernorDriver) -> None:
    """And stop nothing."""
    assert refused(court, court.signed(FREEZE, "olga", signed=b"DSSEv1 nonsense")) == "signature_invalid"


def test_a_request_counts_once(court: GovernorDriver) -> None:
    """Whoever can write to the door cannot lift tomorrow's freeze with yesterday's signature."""
    lift = court.signed(FreezeLifted(scope=SCOPE), "olga", id_="lift")
    court.tell(lift)
    court.law(FREEZE, "olga", subject=SCOPE)

    assert refused(court, lift) == "replayed"
    assert court.state.is_frozen(SCOPE)


def test_a_refused_request_does_not_come_again(court: GovernorDriver) -> None:
    """What was refused yesterday must not count tomorrow, when nobody thinks of it any more."""
    asked = court.signed(FREEZE, "ada", id_="early")
    assert refused(court, asked) == "role_missing"
    court.law(RoleGranted(principal="ada", role="operator", scope=SCOPE))

    assert refused(court, asked) == "replayed"
    assert not court.state.is_frozen(SCOPE)


@pytest.mark.parametrize("after_ms", [-1, LONGEST_VALIDITY_MS + 2 * HOUR_MS])
def test_a_signature_counts_for_a_time_that_is_signed_with_it(court: GovernorDriver, after_ms: int) -> None:
    """Not without one, not once it is over, and not for ever."""
    said = FREEZE.model_copy(update={"valid_until": court.now + after_ms})

    assert refused(court, court.signed(said, "olga")) == "signature_expired"


def test_a_signature_in_another_spelling_is_the_same_one(court: GovernorDriver) -> None:
    """Base64 leaves bits open: they make no second signature."""
    lift = court.signed(FreezeLifted(scope=SCOPE), "olga", id_="lift")
    court.tell(lift)
    assert lift.provenance is not None
    signature = lift.provenance.signature or ""
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    spelt = signature[:-3] + last[last.index(signature[-3]) ^ 1] + signature[-2:]
    again = lift.model_copy(update={"provenance": dataclasses.replace(lift.provenance, signature=spelt)})

    assert refused(court, again) == "replayed"


def test_a_signature_counts_once_however_many_come_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is forgotten as long as it is valid, and everything once it is not."""
    monkeypatch.setattr(authorization, "MOST_LIVE", 300)
    court = GovernorDriver(is_restored=False)
    lift = court.signed(FreezeLifted(scope=SCOPE), "olga", id_="lift")
    court.tell(lift)
    for _ in range(300 - 1):
        court.law(BudgetSet(scope=SCOPE, money=1.0, period_ms=1), "olga", subject=SCOPE)
    assert refused(court, lift) == "replayed"
    assert refused(court, court.signed(FREEZE, "olga")) == "too_many_requests"
    court.law(FREEZE, "root", subject=SCOPE)  # nobody else's count is touched

    court.now += 3 * HOUR_MS
    court.law(FreezeLifted(scope=SCOPE), "root", subject=SCOPE)
    court.law(FREEZE, "olga", subject=SCOPE)

    assert (
        sum(len(bucket) for bucket in court.state.signatures.by_hour.values())
        == sum(court.state.signatures.n_by_key.values())
        < 10
    )
    assert refused(court, lift) == "signature_expired"


def test_a_revoked_key_is_not_heard_and_does_not_come_back(court: GovernorDriver) -> None:
    """Another key of the same person is."""
    court.law(KeyRevoked(key=key_of("olga").key_id))
    again = registration("olga")

    assert refused(court, court.signed(FREEZE, "olga")) == "key_revoked"
    assert refused(court, court.signed(again, "root", subject="*"), "*") == "key_retired"
    court.law(registration("olga-2").model_copy(update={"principal": "olga"}))
    court.law(FREEZE, "olga-2", subject=SCOPE)
    assert court.state.is_frozen(SCOPE)


def test_revoking_a_key_that_is_not_there_is_refused(court: GovernorDriver) -> None:
    """A slip of the pen must not look like a revocation."""
    assert refused(court, court.signed(KeyRevoked(key="abc"), "root", subject="*"), "*") == "key_unknown"


@pytest.mark.parametrize(
    ("data", "role"),
    [
        (registration("new"), "admin@*"),
        (KeyRevoked(key=key_of("ben").key_id), "admin@*"),
        (RoleGranted(principal="new", role="operator", scope=SCOPE), "admin@*"),
        (ScopeConfigured(scope=SCOPE), "admin@acme"),
        (RulesSet(scope="*"), "operator@*"),
        (RulesSet(scope=SCOPE), "operator@acme"),
        (BudgetSet(scope=SCOPE, money=1.0, period_ms=1), "operator@acme"),
        (FreezeSet(scope="*"), "operator@*"),
        (FREEZE, "operator@acme"),
        (FreezeLifted(scope=SCOPE), "operator@acme"),
        (SourceDistrusted(scope=SCOPE, source="/s"), "operator@acme"),
        (ActionRequested.model_validate(dict(proposal())), "operator@acme"),
        (RevertRequested(model="acme/camera-1"), "operator@acme"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_every_request_needs_its_role_in_its_scope(court: GovernorDriver, data: Data, role: str) -> None:
    """One step less than the needed role is refused, the role itself is not."""
    name, _, scope = role.partition("@")
    less = {"admin": "operator", "operator": "approver"}[name]
    subject = "*" if isinstance(data, KeyRegistered | KeyRevoked | RoleGranted) or scope == "*" else SCOPE
    court.law(registration("sam"))
    court.law(RoleGranted.model_validate({"principal": "sam", "role": less, "scope": "*"}))
    court.law(RoleGranted.model_validate({"principal": "sam", "role": name, "scope": "elsewhere"}))
    assert refused(court, court.signed(data, "sam", subject=subject), subject) == "role_missing"

    court.law(RoleGranted.model_validate({"principal": "sam", "role": name, "scope": scope}))

    if isinstance(data, RevertRequested):
        assert refused(court, court.signed(data, "sam", subject=subject), subject) == "nothing_to_revert"
    else:
        court.tell(court.signed(data, "sam", subject=subject), subject=subject)


def test_roles_imply_what_the_table_says() -> None:
    """In their scope, and everywhere for `*`."""
    roles = ("admin", "operator", "approver", "notary")
    for granted in roles:
        state = State()
        state.keyring.roles["p"] = [f"{granted}@a"]
        state.keyring.roles["q"] = [f"{granted}@*"]
        for role in roles:
            is_implied = role == granted or (granted == "admin" and role in ("operator", "approver"))
            assert state.keyring.has_role("p", role, "a") == state.keyring.has_role("q", role, "b") == is_implied
            assert not state.keyring.has_role("p", role, "b")
            assert not state.keyring.has_role("p", role, "*")
