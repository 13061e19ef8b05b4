"""Labels that come inside samples pair the versions as late ones do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.outcome_evaluator.evaluator_driver import PLAN, EvaluatorDriver, data_of, first, one

from homeostat.events import CandidateEvaluated, OutcomeMeasured, OutcomeRevised
from homeostat.events.columns import Role
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings

SAID = {"v0": 1.0, "warm-1": 0.0, "head-1": 1.0}
ROLES: dict[str, Role] = {"v0": "champion", "warm-1": "canary", "head-1": "shadow"}


@settings(max_examples=40, deadline=None)
@given(data=st.data(), everywhere=st.booleans())
def test_the_order_of_the_versions_does_not_matter(data: st.DataObject, everywhere: bool) -> None:
    """Whoever answers first and whichever event has the label: each version is compared once per request."""
    driver = EvaluatorDriver()
    driver.serve()
    driver.sample("v0", driver.requests(1), [0.0], [0.0])
    for _ in range(6):
        requests = driver.requests(3)
        order = data.draw(st.permutations(sorted(SAID)))
        for version in (*order, data.draw(st.sampled_from(order))):
            label = [0.0] * 3 if everywhere or version == "v0" else []
            driver.sample(version, requests, [SAID[version]] * 3, label, ROLES[version])

    analysis = driver.analysis
    assert {version: (arm.n, arm.total) for version, arm in analysis.payoffs.by_version.items()} == {
        "warm-1": (18, 18.0),
        "head-1": (18, 0.0),
    }
    assert analysis.n_labels == 18
    assert analysis.test.evidence.n_pairs == 18


def test_an_action_settles_on_inline_labels_alone() -> None:
    """Its last word too, and then nothing is kept."""
    driver = EvaluatorDriver()
    driver.serve()
    driver.serve("promote", champion="warm-1")
    for _ in range(PLAN.horizon_labels + PLAN.holdback_labels):
        request = driver.requests(1)
        driver.sample("warm-1", request, [0.0], [0.0])
        driver.sample("v0", request, [1.0], role="shadow")
        driver.sample("head-1", request, [1.0], role="shadow")

    assert first(driver.emitted, OutcomeMeasured).gain == 1.0
    assert one(driver.emitted, OutcomeRevised).is_final
    assert len(data_of(driver.emitted, CandidateEvaluated)) >= 1
    assert driver.state.inline_labels.by_request == {}


def test_rows_without_a_truth_and_rows_of_one_version_say_nothing() -> None:
    """A label may be missing inside a labelled event."""
    driver = EvaluatorDriver()
    driver.serve()
    requests = driver.requests(2)
    driver.sample("v0", requests, [1.0, 1.0], [0.0, None])
    driver.sample("warm-1", requests, [0.0, 0.0], role="canary")
    driver.sample("v0", driver.requests(4), [1.0] * 4, [0.0] * 4)

    assert driver.analysis.payoffs.by_version["warm-1"].n == 1


def test_the_memory_of_requests_is_bounded_and_empty_at_rest() -> None:
    """Without a trial, or where labels come late, nothing is remembered."""
    driver = EvaluatorDriver(settings=EvaluatorSettings(inline_requests=10))
    driver.sample("v0", driver.requests(5), [0.0] * 5, [0.0] * 5)
    assert driver.state.inline_labels.by_request == {}
    driver.serve()

    for _ in range(6):
        driver.sample("v0", driver.requests(5), [0.0] * 5, [0.0] * 5)

    assert list(driver.state.inline_labels.by_request) == [f"r{n}" for n in range(25, 35)]
    late = EvaluatorDriver()
    late.serve()
    late.sample("v0", late.requests(30), [0.0] * 30)
    assert late.state.inline_labels.by_request == {}


@pytest.mark.parametrize("parts", [1, 4])
def test_a_long_event_is_compared_whole(parts: int) -> None:
    """However many requests are remembered otherwise, and however the others cut the same requests."""
    driver = EvaluatorDriver(settings=EvaluatorSettings(inline_requests=10, scored_requests=10))
    driver.serve()
    driver.serve("abort")
    requests = driver.requests(40)
    driver.sample("v0", requests, [1.0] * 40, [0.0] * 40, latency=[0.5] * 40)

    for version in ("warm-1", "head-1"):
        for part in range(parts):
            rows = requests[part * 40 // parts : (part + 1) * 40 // parts]
            driver.sample(version, rows, [0.0] * len(rows), role="shadow", latency=[0.25] * len(rows))

    analysis = driver.analysis
    assert {name: (arm.n, arm.n_latency) for name, arm in analysis.payoffs.by_version.items()} == {
        "head-1": (40, 40),
        "warm-1": (40, 40),
    }
    assert analysis.n_labels == 40


def test_rows_of_a_promotion_that_is_followed_are_joined_across_its_settlement() -> None:
    """One version has answered before, the other one after."""
    driver = EvaluatorDriver()
    driver.serve()
    driver.serve("promote", champion="warm-1")
    waiting = driver.requests(1)
    driver.sample("warm-1", waiting, [0.0], [0.0])
    for _ in range(PLAN.horizon_labels):
        request = driver.requests(1)
        driver.sample("warm-1", request, [0.0], [0.0])
        driver.sample("v0", request, [1.0], role="shadow")
    assert driver.state.holdback is not None

    driver.sample("v0", waiting, [1.0], role="shadow")

    assert driver.state.holdback.n_left == PLAN.holdback_labels - 1
