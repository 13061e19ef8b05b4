"""The levels of the odds: what one explains the others need not, and a group never seen adds only doubt."""

import numpy as np

from homeostat.codec import decode_state, encode_state
from homeostat.services.training_advisor.multilevel_logistic import MultilevelLogistic
from homeostat.stats import Draws

ONE = np.ones(1)


def taught(n: int) -> MultilevelLogistic:
    """The configuration `yes` nearly always has it, `no` hardly ever."""
    odds, draws = MultilevelLogistic.initial(1), Draws("odds")
    for i, u in enumerate(draws.uniform(n).tolist()):
        name = ("yes", "no")[i % 2]
        odds.update(name, f"t{i % 5}", ONE, ONE, ONE, u < (0.9, 0.1)[i % 2])
    return odds


def test_configurations_differ_and_a_new_one_is_between() -> None:
    """Each at its own rate; without a history at that of all."""
    odds = taught(400)

    stated = {name: odds.predict(name, "t9", ONE, ONE, ONE) for name in ("yes", "no", "new")}

    assert stated["yes"] > 0.8
    assert stated["no"] < 0.2
    assert 0.3 < stated["new"] < 0.7


def test_a_task_moves_all_its_configurations() -> None:
    """Where everything turned out well, the next one is more likely to."""
    odds = taught(100)
    before = odds.predict("new", "good", ONE, ONE, ONE)
    for i in range(20):
        odds.update(f"c{i}", "good", ONE, ONE, ONE, True)

    assert odds.predict("new", "good", ONE, ONE, ONE) > before


def test_asking_about_the_unknown_keeps_nothing() -> None:
    """Only outcomes make groups; the longest silent leave."""
    odds = taught(10)
    before = encode_state(odds)

    odds.predict("unheard", "of", ONE, ONE, ONE)
    assert encode_state(odds) == before
    for i in range(300):
        odds.update(f"c{i}", "t", ONE, ONE, ONE, True)

    assert len(odds.configurations) == 256
    assert "yes" not in odds.configurations
    assert encode_state(decode_state(encode_state(odds), MultilevelLogistic)) == encode_state(odds)
