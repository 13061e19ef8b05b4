"""Which rows count, how often, and whom they come from."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.outcome_evaluator.evaluator_driver import PLAN, EvaluatorDriver, data_of, first, one

from homeostat.events import CanaryJudged, CandidateEvaluated, OutcomeMeasured, OutcomeRevised
from homeostat.events.sources import rests_on, shared_name
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings

SAID = {"champion/v0": [1.0], "canary/warm-1": [0.0]}


def payoff(driver: EvaluatorDriver, arm: str = "warm") -> CandidateEvaluated:
    """What was said of an arm."""
    return next(said for said in data_of(driver.emitted, CandidateEvaluated) if said.arm == arm)


def test_a_request_counts_once_however_often_its_label_changes() -> None:
    """Not for the test, not for the horizon, not for the number of rows behind a payoff."""
    driver = EvaluatorDriver()
    driver.serve()

    for flip in range(200):
        driver.label(SAID, [float(flip % 2 == 0)], requests=["r"])

    assert driver.emitted == []
    driver.serve("abort", candidates=())
    assert (payoff(driver).n_labels, one(driver.emitted, OutcomeMeasured).n_labels) == (1, 1)


def test_an_inline_label_that_is_corrected_later_counts_once() -> None:
    """Both ways lead to the same request."""
    driver = EvaluatorDriver()
    driver.serve()
    driver.sample("v0", ["r"], [0.0], [0.0])
    driver.sample("warm-1", ["r"], [1.0], role="canary")

    driver.label({"champion/v0": [0.0], "canary/warm-1": [1.0]}, [1.0], requests=["r"])

    driver.serve("abort", candidates=())
    assert (payoff(driver).n_labels, payoff(driver).payoff) == (1, 1.0)


@settings(max_examples=15, deadline=None)
@given(
    truths=st.lists(st.lists(st.integers(0, 2).map(float), min_size=1, max_size=3), min_size=20, max_size=50),
    promoted=st.integers(0, 20),
)
def test_payoffs_are_those_of_the_last_labels(truths: list[list[float]], promoted: int) -> None:
    """Corrected, whenever it was: as if the last label had been the only one."""
    ended = []
    for history in (truths, [labels[-1:] for labels in truths]):
        driver = EvaluatorDriver()
        driver.serve()
        for turn in range(3):
            for row, labels in enumerate(history):
                if turn == 0 and row == promoted:
                    driver.serve("promote", champion="warm-1")
                if turn < len(labels):
                    driver.label(SAID, [labels[turn]], requests=[f"q{row}"])
        driver.serve(champion="warm-1", canary=None, weight=0.0, candidates=())
        ended.append((payoff(driver), one(driver.emitted, OutcomeMeasured)))

    (corrected, outcome), (once, outcome_once) = ended
    assert (corrected.n_labels, corrected.payoff, corrected.standard_error) == pytest.approx(
        (once.n_labels, once.payoff, once.standard_error)
    )
    assert (outcome.n_labels, outcome.gain) == pytest.approx((outcome_once.n_labels, outcome_once.gain))


def test_a_label_corrected_while_a_promotion_is_followed_revises_its_gain() -> None:
    """Of rows since the promotion; those before it have never counted for the gain."""
    driver = EvaluatorDriver()
    driver.serve()
    driver.label(SAID, [0.0], requests=["before"])
    driver.serve("promote", champion="warm-1")
    for row in range(PLAN.horizon_labels - 1):
        driver.label(SAID, [0.0], requests=[f"q{row}"])
    assert first(driver.emitted, OutcomeMeasured).gain == 1.0

    for request in ("before", *(f"q{row}" for row in range(PLAN.horizon_labels - 1))):
        driver.label(SAID, [1.0], requests=[request])
    driver.serve(champion="warm-1", canary=None, weight=0.0, candidates=())

    final = one(driver.emitted, OutcomeRevised)
    assert (final.gain, final.n_labels) == (-1.0, PLAN.horizon_labels - 1)


def test_the_memory_of_scored_requests_is_bounded() -> None:
    """The door refuses labels that come later."""
    driver = EvaluatorDriver(settings=EvaluatorSettings(scored_requests=10))
    driver.serve()

    for _ in range(30):
        request = driver.requests(1)
        driver.sample("v0", request, [0.0], source="/app")
        driver.label(SAID, [0.0], requests=request)

    assert len(driver.analysis.payoffs.requests) == len(driver.state.origins.by_request) == 10
    driver.serve("abort", candidates=())
    assert driver.state.origins.by_request == {}


@pytest.mark.parametrize("is_late", [False, True])
def test_synthetic_rows_judge_nothing(is_late: bool) -> None:
    """Whatever they say of the canary, wherever their labels come from; one synthetic answer is enough."""
    driver = EvaluatorDriver()
    driver.serve()

    for _ in range(PLAN.label_limit):
        request, label = driver.requests(1), [] if is_late else [0.0]
        driver.sample("v0", request, [0.0], label, latency=[0.1])
        driver.sample("warm-1", request, [1.0], label, role="canary", latency=[0.2], is_synthetic=True)
        if is_late:
            driver.label({"champion/v0": [0.0], "canary/warm-1": [1.0]}, [0.0], requests=request)

    assert data_of(driver.emitted, CanaryJudged) == []
    driver.serve("abort", candidates=())
    assert data_of(driver.emitted, CandidateEvaluated) == []
    assert one(driver.emitted, OutcomeMeasured).latency_change is None


@pytest.mark.parametrize("is_late", [False, True])
def test_a_payoff_names_whose_rows_were_scored(is_late: bool) -> None:
    """Answers and labels; not who published what was never compared."""
    driver = EvaluatorDriver()
    driver.serve()
    driver.sample("v0", ["lone"], [0.0], [0.0], source="/bystander")
    driver.label({"champion/v0": [0.0]}, [0.0], requests=["lone"], source="/clerk")
    label = [] if is_late else [0.0]
    driver.sample("v0", ["r"], [1.0], label, source="/gateway")
    driver.sample("warm-1", ["r"], [0.0], role="canary", source="/canary-pod")
    if is_late:
        driver.label(SAID, [0.0], requests=["r"], source="/people")

    driver.serve("abort", candidates=())

    assert payoff(driver).sources == ("/canary-pod", "/gateway", *(["/people"] if is_late else []))


def test_no_payoff_rests_on_a_source_that_it_does_not_name() -> None:
    """Further sources than can be told apart share names: whoever comes after many is heard all the same."""
    driver = EvaluatorDriver()
    driver.serve()

    for number in range(40):
        driver.label(SAID, [0.0], source=f"/labels/{number:02}")
    driver.serve("abort", candidates=())

    said = payoff(driver)
    assert said.n_labels == 40
    assert set(said.sources) == {f"/labels/{n:02}" for n in range(32)} | {
        shared_name(f"/labels/{n}") for n in range(32, 40)
    }
    for number in range(40):
        assert rests_on(said.sources, [f"/labels/{number:02}"])


@pytest.mark.parametrize(
    ("signers", "expected"), [(("a", "a"), {"/line": "a" * 64}), (("a", ""), {}), (("a", "b"), {})]
)
def test_a_payoff_is_signed_where_all_rows_of_a_source_are(signers: tuple[str, str], expected: dict[str, str]) -> None:
    """With one key; a row without, or with another, makes the source an unsigned one."""
    driver = EvaluatorDriver()
    driver.serve()

    for number, signer in enumerate(signers):
        driver.sample("v0", [f"r{number}"], [1.0], [0.0], source="/line", signer=signer * 64)
        driver.sample("warm-1", [f"r{number}"], [0.0], role="canary", source="/line", signer=signer * 64)
    driver.serve("abort", candidates=())

    assert (payoff(driver).sources, payoff(driver).signers) == (("/line",), expected)


def test_rows_that_nobody_knows_the_publisher_of_are_nobody_s() -> None:
    """A late label of a signer does not make answers its own that may be anybody's."""
    driver = EvaluatorDriver()
    driver.serve()

    driver.label(SAID, [0.0], source="/people", signer="a" * 64)
    driver.serve("abort", candidates=())

    assert (payoff(driver).sources, payoff(driver).signers) == (("/people",), {})


def errors(driver: EvaluatorDriver, canary: list[float], champion: list[float]) -> list[str]:
    """Let both miss by so much where the truth is 0: of a scale of 1, so up to one half the error is the distance."""
    for own, other in zip(canary, champion, strict=True):
        driver.label({"champion/v0": [other], "canary/warm-1": [own]}, [0.0])
    return [judged.judgement for judged in data_of(driver.emitted, CanaryJudged)]


@pytest.mark.parametrize(("canary", "champion", "judgement"), [(0.01, 0.15, "promote"), (0.15, 0.01, "abort")])
def test_a_regressor_is_judged_by_how_far_it_is_off(canary: float, champion: float, judgement: str) -> None:
    """Below half the scale too: .15 against .01 is clear within 100 rows."""
    driver = EvaluatorDriver("regressor")
    driver.settle_scale()
    driver.serve(plan=PLAN.model_copy(update={"soak_labels": 60}))

    said = errors(driver, [canary] * 100, [champion] * 100)

    assert said[0] == judgement
    judged = data_of(driver.emitted, CanaryJudged)[0]
    assert judged.canary_error == pytest.approx(canary)
    assert judged.champion_error == pytest.approx(champion)
    assert judged.n_discordant == judged.n_labels


def test_a_regressor_that_is_mostly_better_and_sometimes_far_off_is_worse() -> None:
    """Four rows of five a little better, the fifth much worse: the mean decides, as it does for the payoff."""
    driver = EvaluatorDriver("regressor")
    driver.settle_scale()
    driver.serve()

    said = errors(driver, [0.0, 0.0, 0.0, 0.0, 3.0] * 20, [0.05] * 100)

    assert said == ["abort"]


def test_a_regressor_like_its_champion_is_inconclusive() -> None:
    """Equal errors are no evidence."""
    driver = EvaluatorDriver("regressor")
    driver.settle_scale()
    driver.serve()

    assert errors(driver, [0.3] * PLAN.label_limit, [0.3] * PLAN.label_limit) == ["inconclusive"]
