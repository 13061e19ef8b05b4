"""Off-policy estimates: right on average where the record supports them, silent where it does not."""

import numpy as np

from homeostat_tools.backtest.off_policy import SKIP, Logged, evaluate

TRUE = {"a": 0.05, "b": -0.02, SKIP: 0.0}


def record(n: int, other: dict[str, float], seed: int, predicted: float = 0.0) -> list[Logged]:
    """Decisions of a policy that draws a, b and nothing with known chances."""
    generator = np.random.default_rng(seed)
    logged = {"a": 0.2, "b": 0.4, SKIP: 0.4}
    found = []
    for _ in range(n):
        arm = str(generator.choice(list(logged), p=list(logged.values())))
        payoff = 0.0 if arm == SKIP else TRUE[arm] + 0.1 * float(generator.standard_normal())
        found.append(Logged(arm, payoff, logged, other, {"a": predicted, "b": predicted, SKIP: 0.0}))
    return found


def test_the_value_of_another_policy_is_found() -> None:
    """Always `a` is worth .05 - (.2 x .05 - .4 x .02) = .048 more; 200 records of 400 decisions, intervals of 95 %."""
    other = {"a": 1.0, "b": 0.0, SKIP: 0.0}

    found = [evaluate(record(400, other, seed, predicted=0.02)) for seed in range(200)]

    assert abs(np.mean([one.ips for one in found]) - 0.048) < 0.004
    assert abs(np.mean([one.dr for one in found]) - 0.048) < 0.004
    assert sum(one.low <= 0.048 <= one.high for one in found) >= 176
    assert all(not one.unknown for one in found)
    assert 60 < found[0].effective < 110


def test_what_was_never_possible_cannot_be_told() -> None:
    """A denied action has no payoff, whatever was predicted of it."""
    denied = [Logged(SKIP, 0.0, {SKIP: 1.0}, {"a": 0.9, SKIP: 0.1}, {"a": 0.3, SKIP: 0.0}) for _ in range(100)]

    found = evaluate(denied)

    assert round(found.unsupported, 9) == 0.9
    assert "never possible" in found.unknown


def test_what_would_not_have_been_done_is_known() -> None:
    """Nothing pays nothing: what a denial saves is what was measured, with the opposite sign."""
    approved = [Logged("a", payoff, {"a": 0.5, "b": 0.5}, {SKIP: 1.0}, {}) for payoff in (-0.1, -0.2, -0.3) * 10]

    found = evaluate(approved)

    assert (round(found.dr, 12), found.effective, found.unknown) == (0.2, 30.0, "")
    assert 0.1 < found.low < 0.2 < found.high < 0.3


def test_a_few_decisions_say_nothing() -> None:
    """Nor do those whose payoff nobody has measured."""
    few = record(20, {"a": 1.0, "b": 0.0, SKIP: 0.0}, 1)
    unmeasured = [Logged("a", float("nan"), {"a": 1.0}, {SKIP: 1.0}, {})]

    assert "20 are needed" in evaluate(few).unknown
    assert evaluate(unmeasured).unknown == "no payoff of a decision was measured"
