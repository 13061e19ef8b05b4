"""Nothing rests on a source that is distrusted: what it said, what somebody emitted, weights."""

from tests.unit.governor.driver import SCOPE
from tests.unit.governor.judging import WINDOW, rule, state_of

from homeostat.events import (
    Arm,
    WeightsPublished,
)


def test_nothing_rests_on_a_distrusted_source() -> None:
    """A source is distrusted whole, by name, and in its scope only."""
    state = state_of()
    state.distrusted = {SCOPE: ["/s", "/bad"], "other": ["/good"]}
    window = WINDOW.model_copy(update={"source": "/good"})

    assert not rule("trust", state).passed
    assert rule("trust", state, window=window, evidence=("/bad/not#1.0", "/good#/bad")).passed
    assert rule("trust", state, window=window, evidence=("/bad#1.0",)).value == "/bad"
    assert rule("trust", state, window=window, sources=("/good", "/bad")).value == "/bad"
    assert rule("trust", state, window=window, sources=("/good", "/bad/not")).passed


def test_threat_an_arm_starts_from_weights_of_a_distrusted_source() -> None:
    """Whoever names the weights, a person too; those that nobody has published rest on nobody."""
    state, warm = state_of(), (Arm(name="warm", initial_weights="1" * 64),)
    assert rule("trust", state, arms=warm).passed
    state.weights.update(published("1" * 64, "/jobs", "/bad"))
    assert rule("trust", state, arms=warm).passed

    state.distrusted = {SCOPE: ["/bad"]}

    assert rule("trust", state, arms=warm).value == "/bad"
    assert rule("trust", state, arms=(Arm(name="warm", initial_weights="2" * 64),)).passed


def test_the_memory_of_weights_is_bounded() -> None:
    """The newest are known."""
    state = state_of()
    for number in range(1100):
        state.weights.update(published(f"{number:064x}", "/jobs"))

    assert len(state.weights.by_artifact) == 1000
    assert f"{1099:064x}" in state.weights.by_artifact


def published(artifact: str, *sources: str) -> WeightsPublished:
    """Weights that have passed their gate."""
    fields = {"action": "a", "family": "acme/cameras", "artifact": artifact, "algorithm": "maml", "n_tasks": 3}
    return WeightsPublished.model_validate(fields | {"loss": 0.1, "gain": 0.2, "gain_low": 0.1, "sources": sources})
