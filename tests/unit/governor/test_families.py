"""Families: what each hears, whenever it comes and whatever it comes with."""

from collections.abc import Callable

import pytest
from tests.unit.governor.driver import FAMILY, SCOPE, GovernorDriver, key_of, registration
from tests.unit.governor.emits import data_of, one

from homeostat.core import Emit, Reject
from homeostat.core.identity import scope_of
from homeostat.events import (
    Data,
    EventRefused,
    FamilyObserved,
    KeyRegistered,
    KeyRevoked,
    Provenance,
    RoleGranted,
    RoleRevoked,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
    SourceTrusted,
)
from homeostat.events.logs import EXPERIENCE
from homeostat.services.governor import families

ONLY = "acme/only"


def observed(court: GovernorDriver, family: str = ONLY, signer: str = "") -> list[Emit]:
    """A family is heard of by its first trace, signed by somebody or nobody."""
    scope = scope_of(family)
    key = key_of(signer)
    signed = Provenance(scope, "/jobs", "1", key.key_id, signer=key.public_key_hex)
    proof = signed if signer else Provenance(scope, "/jobs", "1")
    return court.tell(FamilyObserved(family=family, provenance=proof), subject=scope)


def heard(emits: list[Emit], family: str = ONLY) -> list[Data]:
    """What a family is told."""
    return [emit.data for emit in emits if emit.log == EXPERIENCE and emit.subject == family]  # type: ignore[misc]  # all are


def seat(court: GovernorDriver, name: str, scope: str = SCOPE) -> list[Emit]:
    """Make somebody a source of its own."""
    return [
        *court.law(registration(name)),
        *court.law(RoleGranted.model_validate({"principal": name, "role": "source", "scope": scope})),
    ]


WHAT_IS_SET: list[Callable[[GovernorDriver], list[Emit]]] = [
    lambda court: court.law(RulesSet(scope=SCOPE, price_per_training_second=7.0)),
    lambda court: court.law(RulesSet(scope="*", price_per_training_second=7.0)),
    lambda court: court.law(ScopeConfigured(scope=SCOPE, settings={"learning": "catalogue"})),
    lambda court: court.law(SourceDistrusted(scope=SCOPE, source="/bad")),
    lambda court: seat(court, "edge"),
]


@pytest.mark.parametrize("setting", WHAT_IS_SET)
def test_a_family_without_a_model_hears_what_is_set_before_and_after_it_comes(
    setting: Callable[[GovernorDriver], list[Emit]],
) -> None:
    """The same, once."""
    early, late = GovernorDriver(), GovernorDriver()
    observed(early)

    at_once = heard(setting(early))
    setting(late)
    rules, *others = [one.model_copy(update={"provenance": None, "valid_until": None}) for one in heard(observed(late))]
    (said,) = [one.model_copy(update={"provenance": None, "valid_until": None}) for one in at_once]

    assert [said] == ([rules] if isinstance(said, RulesSet) else others)
    assert observed(late) == []


def test_what_is_set_in_another_scope_is_not_told(court: GovernorDriver) -> None:
    """Tenants do not hear of each other."""
    observed(court, "other/f")

    assert not heard(court.law(SourceDistrusted(scope=SCOPE, source="/bad")), "other/f")
    assert not heard(seat(court, "edge"), "other/f")


def test_trust_undoes_distrust_and_is_told(court: GovernorDriver) -> None:
    """Who comes later hears of neither."""
    observed(court)
    court.law(SourceDistrusted(scope=SCOPE, source="/bad"))

    told = heard(court.law(SourceTrusted(scope=SCOPE, source="/bad", reason="mended")))

    assert [type(one) for one in told] == [SourceTrusted]
    assert court.state.distrusted[SCOPE] == []
    assert heard(observed(court, "acme/late"), "acme/late") == [RulesSet()]


def test_only_what_is_distrusted_can_be_trusted_again(court: GovernorDriver) -> None:
    """A slip of the pen is said."""
    said = court.law(SourceTrusted(scope=SCOPE, source="/good"))

    assert one(said, EventRefused).reason == "source_unknown"


def test_trust_is_for_operators(court: GovernorDriver) -> None:
    """An unsigned word, or an approver's, changes nothing."""
    court.law(SourceDistrusted(scope=SCOPE, source="/bad"))
    with pytest.raises(Reject, match="unsigned"):
        court.law(SourceTrusted(scope=SCOPE, source="/bad"), "", subject=SCOPE)
    refused = court.law(SourceTrusted(scope=SCOPE, source="/bad"), "ada", subject=SCOPE)
    assert one(refused, EventRefused).reason == "role_missing"

    assert court.state.distrusted[SCOPE] == ["/bad"]


def test_a_key_that_is_revoked_is_told(court: GovernorDriver) -> None:
    """So is one whose holder is no source any more; no key passes to somebody else."""
    observed(court)
    seat(court, "edge")

    (revoked,) = data_of(court.law(KeyRevoked(key=key_of("edge").key_id)), KeyRevoked)[:1]
    assert revoked.key == key_of("edge").key_id

    seat(court, "cell")
    taken = registration("cell").model_copy(update={"principal": "olga"})
    assert one(court.law(taken), EventRefused).reason == "key_retired"
    lost = RoleRevoked(principal="cell", role="source", scope=court.state.keyring.roles["cell"][0].partition("@")[2])
    assert {type(one) for one in heard(court.law(lost))} == {KeyRevoked}


def test_a_person_s_key_is_no_source(court: GovernorDriver) -> None:
    """Operators and admins sign requests; what they publish is nobody's but for the role."""
    assert not data_of(observed(court), KeyRegistered)


def test_beyond_the_bound_a_family_hears_nothing_and_that_is_said_once() -> None:
    """A thousand made-up names in a scope: the first ones keep their places, the rest is counted."""
    court = GovernorDriver(is_restored=False)
    said = [emit for n in range(families.MOST_FAMILIES + 50) for emit in observed(court, f"acme/made-up-{n}")]

    (refused,) = data_of(said, EventRefused)
    assert refused.reason == "families_exceeded"
    known = court.state.families.by_scope[SCOPE]
    assert (len(known.names), known.n_more) == (families.MOST_FAMILIES, 51)
    assert FAMILY in known.names
    assert heard(observed(court, "other/f"), "other/f")  # another scope has places of its own


def test_a_family_of_a_known_key_finds_a_place_among_made_up_ones() -> None:
    """The last that nobody has signed makes room; those that were there before stay."""
    court = GovernorDriver(is_restored=False)
    seat(court, "edge")
    court.law(SourceDistrusted(scope=SCOPE, source="/bad"))
    for n in range(families.MOST_FAMILIES + 1):
        observed(court, f"acme/made-up-{n}")

    forged = observed(court, "acme/forged", "eve")
    told = heard(observed(court, "acme/honest", "edge"), "acme/honest")

    assert not heard(forged, "acme/forged")
    assert [type(one) for one in told] == [RulesSet, SourceDistrusted, KeyRegistered]
    assert FAMILY in court.state.families.by_scope[SCOPE].names
    assert len(court.state.families.by_scope[SCOPE].names) == families.MOST_FAMILIES
