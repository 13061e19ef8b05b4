"""Result against seconds, money and latency: which options no other beats, and which are within the limits."""

from typing import Final

import numpy as np

from homeostat.events import AdviceGiven, AdviceRequested, Arm, RulesSet
from homeostat.events.advice import Advised, Estimate, Objective, Option
from homeostat.events.costs import instance_of, price_of
from homeostat.services.training_advisor.run_table import Floats
from homeostat.services.training_advisor.training_time_advisor import TrainingTimeAdvisor

_UNKNOWN: Final = float("inf")


def with_objectives(
    given: AdviceGiven,
    request: AdviceRequested,
    seconds: TrainingTimeAdvisor,
    latency: TrainingTimeAdvisor,
    rules: RulesSet,
) -> AdviceGiven:
    """Add what each option takes to an answer.

    Options within the limits come first, of these the efficient ones; otherwise the order stays. A limit holds for the
    upper bound; what nothing is known of is not held back, or nobody would ever run it.

    Args:
        given: Answer to a `configuration` question.
        request: The question.
        seconds: Has learned how long trainings take.
        latency: Has learned how long predictions take.
        rules: With the prices.
    """
    wanted = set(request.objectives) | set(request.limits)
    known: dict[Objective, list[Estimate]] = {}
    trained = seconds.estimates(request) if wanted & {"seconds", "money"} else None
    if trained is not None:
        if "seconds" in wanted:
            known["seconds"] = trained
        if "money" in wanted:
            known["money"] = [_money(t, o, rules) for t, o in zip(trained, request.options, strict=True)]
    predicted = latency.estimates(request) if "latency" in wanted else None
    if predicted is not None:
        known["latency"] = predicted
    takes: dict[tuple[str, int], dict[Objective, Estimate]] = {
        (option.configuration, option.rows): {objective: known[objective][i] for objective in known}
        for i, option in enumerate(request.options)
    }
    advised = [_within(each, takes[each.configuration, each.rows], request.limits) for each in given.options]
    efficient = _efficient(advised, request.objectives) if request.objectives else [False] * len(advised)
    options = [each.model_copy(update={"is_efficient": e}) for each, e in zip(advised, efficient, strict=True)]
    options.sort(key=lambda each: (not each.is_allowed, not each.is_efficient))  # stable
    return given.model_copy(update={"options": tuple(options)})


def _money(seconds: Estimate, option: Option, rules: RulesSet) -> Estimate:
    instance, is_spot = instance_of(Arm(name=option.configuration, hyperparameters=option.hyperparameters))
    price = price_of(rules.prices, rules.price_per_training_second, instance, is_spot=is_spot)
    return Estimate(expected=seconds.expected * price, low=seconds.low * price, high=seconds.high * price)


def _within(option: Advised, takes: dict[Objective, Estimate], limits: dict[Objective, float]) -> Advised:
    is_allowed = all(objective not in takes or takes[objective].high <= most for objective, most in limits.items())
    return option.model_copy(update={"takes": takes, "is_allowed": is_allowed})


def _efficient(options: list[Advised], objectives: tuple[Objective, ...]) -> list[bool]:
    """Say of each option whether it is allowed and no other allowed one dominates it."""
    table: Floats = np.array(
        [
            [-each.expected, *(each.takes[o].expected if o in each.takes else _UNKNOWN for o in objectives)]
            for each in options
        ]
    )
    allowed = np.array([each.is_allowed for each in options])
    found = []
    for row, is_allowed in zip(table, allowed.tolist(), strict=True):
        rivals = table[allowed]
        is_beaten = (rivals <= row).all(axis=1) & (rivals < row).any(axis=1)
        found.append(bool(is_allowed and not is_beaten.any()))
    return found
