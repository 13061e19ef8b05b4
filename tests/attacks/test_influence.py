"""Who tries to move what is learned by claiming to be many, to be somebody else, or to be there first."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.governor.driver import key_of as person
from tests.unit.meta_learner.driver import MODEL, LearnerDriver

from homeostat.codec import encode_state
from homeostat.events import (
    Arm,
    CandidateEvaluated,
    ClockTicked,
    KeyRegistered,
    KeyRevoked,
    SourceDistrusted,
    SourceTrusted,
)
from homeostat.services.meta_learner.posterior import ArmPosterior
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.source_keys import key_of
from homeostat.services.meta_learner.state import State

SETTINGS = LearnerSettings(held_out_share=0.0)
CONTEXT = np.r_[1.0, np.zeros(3)]
HONEST, LIE, TRUTH = "/honest", 0.5, -0.1


def family() -> ArmPosterior:
    """Two arms, of which nothing is known."""
    known = ArmPosterior()
    known.features = ["f0", "f1", "f2"]
    known.admit((Arm(name="a"), Arm(name="b")))
    return known


def hear(known: ArmPosterior, source: str, payoff: float, n: int = 1, signer: str = "") -> None:
    """A source says n times what arm b paid."""
    for _ in range(n):
        key = key_of((source,), {source: signer} if signer else {})
        known.update("b", CONTEXT, payoff, 0.0, key, SETTINGS, learns=True)


def expected(known: ArmPosterior) -> float:
    """Payoff of arm b."""
    return known.predict_at(CONTEXT, SETTINGS).of("b")[0]


@pytest.mark.parametrize("n_made_up", [1, 63, 64, 65, 200, 1000])
@pytest.mark.parametrize("is_first", [True, False])
def test_threat_made_up_names_lock_the_honest_out(n_made_up: int, is_first: bool) -> None:
    """However many there are, before or after it, what the honest source says is learned, and it moves the answer."""
    known, without = family(), family()
    for one in (known, without):
        if is_first and one is known:
            hear(known, HONEST, TRUTH, 100)
        for number in range(n_made_up):
            hear(one, f"/made-up/{number}", LIE)
    if not is_first:
        hear(known, HONEST, TRUTH, 100)

    assert known.n_left_out == 0
    assert expected(known) < expected(without) - 0.005
    assert len(known.sources.by_key) <= SETTINGS.n_sources + 17


@pytest.mark.parametrize("n_made_up", [1, 20, 64, 500])
def test_threat_many_names_outweigh_one_who_signs(n_made_up: int) -> None:
    """Whoever signs has a seat; all made-up names together have one, and move it no farther than one liar would."""
    one, many = family(), family()
    for known in (one, many):
        hear(known, HONEST, TRUTH, 400, signer="plant")
    hear(one, "/liar", LIE, 2_000 if n_made_up >= 500 else 400)
    for number in range(n_made_up):
        hear(many, f"/made-up/{number}", LIE, max(1, 400 // n_made_up))

    assert expected(many) <= expected(one) + 1e-9
    assert many.sources.totals(2, 4, SETTINGS.source_cap)[0].n[1] <= 2 * SETTINGS.source_cap + 1e-9


def test_threat_a_name_in_the_unsigned_seat_is_taken_for_a_signed_one() -> None:
    """The same source without a signature is somebody else: it neither speaks nor uses up influence in that seat."""
    known, alone = family(), family()
    for one in (known, alone):
        hear(one, HONEST, TRUTH, 150, signer="plant")
    hear(known, HONEST, LIE, 1_000)

    seat = known.sources.by_key[key_of((HONEST,), {HONEST: "plant"})]
    assert encode_state(seat) == encode_state(alone.sources.by_key[key_of((HONEST,), {HONEST: "plant"})])
    assert known.sources.totals(2, 4, SETTINGS.source_cap)[0].n[1] == pytest.approx(150 + SETTINGS.source_cap)


def test_threat_rows_beside_signed_ones_speak_in_the_signer_s_name() -> None:
    """A payoff that rests on one unsigned row is unsigned: else anybody could use up, or abuse, another's seat."""
    key = key_of((HONEST, "/mallory"), {HONEST: "plant"})

    assert key == key_of((HONEST, "/mallory"))


def test_threat_who_signs_fills_the_places_of_others() -> None:
    """A holder of a key with a thousand names has a quarter of the places; all of it is in the own seat."""
    known = family()
    for number in range(1000):
        hear(known, f"/edge/{number}", LIE, signer="edge")
    hear(known, HONEST, TRUTH, signer="plant")
    hear(known, HONEST, TRUTH)

    assert known.n_left_out == 0
    assert len(known.sources.by_key) <= SETTINGS.n_sources // 4 + 16 + 2
    assert known.sources.totals(2, 4, SETTINGS.source_cap)[0].n[1] == pytest.approx(SETTINGS.source_cap + 2)


# -- through the fold ---------------------------------------------------------------------------------------------


def registered(name: str) -> KeyRegistered:
    """What families hear of a key."""
    key = person(name)
    return KeyRegistered(key=key.key_id, public_key=key.public_key_hex, principal=name)


def evaluated(action: str, arm: str, payoff: float, sources: tuple[str, ...], signer: str | None) -> CandidateEvaluated:
    """A payoff, all of whose rows somebody signed, or nobody."""
    signers = dict.fromkeys(sources, person(signer).public_key_hex) if signer else {}
    fields: dict[str, Any] = {"action": action, "model": MODEL, "arm": arm, "version": f"{arm}-1", "payoff": payoff}
    return CandidateEvaluated.model_validate(
        fields | {"standard_error": 0.01, "n_labels": 200, "seconds": 2.0, "sources": sources, "signers": signers}
    )


def learned(state: State) -> bytes:
    """What was learned and is believed, without what is set aside, and without how past predictions did.

    Predictions were made when the source still counted: that they were so bad is history, and decides nothing.
    """
    for one in state.posterior.sources.by_key.values():
        one.record.error[:] = one.record.error_baseline[:] = one.record.covered[:] = 0.0
    state.posterior.sources.by_key = dict(sorted(state.posterior.sources.by_key.items()))
    (
        state.posterior.sources.withdrawn,
        state.decisions.gate.withdrawn,
        state.posterior.baselines,
        state.posterior.n_unshared,
    ) = {}, {}, {}, 0
    for decision in state.decisions.pending.values():
        believed = {arm: decision.believed(arm, state.distrusted) for arm in ("warm", "head")}
        decision.payoffs = {arm: [one] for arm, one in believed.items() if one is not None}
    return encode_state((state.posterior, state.decisions.pending, state.distrusted))


SAID = st.lists(
    st.tuples(
        st.sampled_from([("/a",), ("/b",), ("/evil",), ("/a", "/evil"), ("/a", "/b"), ("/a", "/b", "/evil")]),
        st.sampled_from([None, "plant", "edge"]),
        st.sampled_from(["warm", "head"]),
        st.floats(-0.5, 0.5),
    ),
    max_size=12,
)


def told(said: list[Any], silent: str = "") -> LearnerDriver:
    """A learner that has heard all this, or, of what a source has a part in, nothing."""
    driver = LearnerDriver(SETTINGS)
    for name in ("plant", "edge"):
        driver.step(registered(name))
    action, _ = driver.propose()
    for sources, signer, arm, payoff in said:
        heard = silent not in sources
        driver.step(evaluated(action, arm, payoff, sources, signer) if heard else ClockTicked(due=0))
    return driver


@given(SAID)
@settings(max_examples=20, deadline=None)
def test_with_a_source_distrusted_the_learner_is_one_that_never_heard_it(said: list[Any]) -> None:
    """To the bit, signed or not, alone or with others, whatever it said."""
    driver, spared = told(said), told(said, "/evil")

    for each in (driver, spared):
        each.step(SourceDistrusted(scope="acme", source="/evil"))

    assert learned(driver.state) == learned(spared.state)


@given(SAID)
@settings(max_examples=20, deadline=None)
def test_with_a_source_trusted_again_the_learner_is_as_it_was(said: list[Any]) -> None:
    """What it had said comes back exactly; what it says while it is distrusted does not."""
    driver, before = told(said), told(said)

    driver.step(SourceDistrusted(scope="acme", source="/evil"))
    driver.step(evaluated(next(iter(driver.state.decisions.pending)), "warm", 0.5, ("/evil",), None))
    driver.step(SourceTrusted(scope="acme", source="/evil"))

    assert learned(driver.state) == learned(before.state)


def test_threat_a_key_that_nobody_has_registered_signs() -> None:
    """Its payoffs are unsigned; so are those of a key after it was revoked, and all that it signed before."""
    driver = LearnerDriver(SETTINGS)
    action, _ = driver.propose()
    driver.step(evaluated(action, "head", 0.5, ("/eve",), "eve"))
    assert list(driver.state.posterior.sources.by_key) == [key_of(("/eve",))]

    driver.step(registered("eve"))
    driver.step(evaluated(action, "head", 0.5, ("/eve",), "eve"))
    assert len(driver.state.posterior.sources.by_key) == 2

    driver.step(KeyRevoked(key=person("eve").key_id))
    driver.step(evaluated(action, "head", 0.5, ("/eve",), "eve"))
    ((key, statistics),) = driver.state.posterior.sources.by_key.items()
    assert (key, statistics.sums.n.sum()) == (key_of(("/eve",)), 3.0)


def test_a_holder_of_two_keys_keeps_the_seat_when_one_is_revoked() -> None:
    """Keys are changed now and then."""
    driver = LearnerDriver(SETTINGS)
    action, _ = driver.propose()
    old, new = registered("plant"), registered("plant-2").model_copy(update={"principal": "plant"})
    for key in (old, new):
        driver.step(key)
    driver.step(evaluated(action, "head", 0.1, ("/line",), "plant"))

    driver.step(KeyRevoked(key=old.key))
    driver.step(evaluated(action, "head", 0.1, ("/line",), "plant-2"))

    assert list(driver.state.posterior.sources.by_key) == [key_of(("/line",), {"/line": "plant"})]


def test_threat_lies_make_the_learner_doubt_what_the_honest_said() -> None:
    """Errors that others' lies have caused do not make what the honest taught fade."""
    driver = LearnerDriver(SETTINGS)
    driver.step(registered("plant"))
    action, _ = driver.propose()
    for number in range(600):
        driver.step(evaluated(action, "head", 0.1, (HONEST,), "plant"))
        lie = 0.5 if number // 100 % 2 else -0.5
        driver.step(evaluated(action, "head", lie, ("/liar",), None))

    honest = driver.state.posterior.sources.by_key[key_of((HONEST,), {HONEST: "plant"})]
    assert (honest.n_drifts, honest.sums.n.sum()) == (0, 600.0)


def test_threat_values_booked_by_made_up_names_leave_no_room_for_honest_ones() -> None:
    """The gate's books count everybody; further names share few lines, and leave with any of those who share theirs."""
    driver = LearnerDriver(SETTINGS)
    gate = driver.state.decisions.gate
    for number in range(500):
        gate.update(key_of((f"/made-up/{number}",)), 1.0, 1.0, SETTINGS.n_sources)
    before = gate.totals()
    gate.update(key_of((HONEST,)), 0.5, 0.25, SETTINGS.n_sources)

    assert gate.totals() == (before[0] + 0.5, before[1] + 0.25)
    assert len(gate.closed) <= SETTINGS.n_sources + 16
    gate.withdraw(HONEST, SETTINGS.n_sources)
    assert gate.totals()[0] <= before[0]
