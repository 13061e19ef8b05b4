"""The gate before `weights.published`: better on held-out tasks than what is there and than what is trivial, or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.services.maml_trainer.publish.interval import PairedDifference, paired_difference

# Of units that share no row. Below this the normal interval misses more than 1.6 times as often as it says.
MIN_TASKS: Final = 10

Losses = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Whether to publish, and on what evidence.

    Args:
        publish: The verdict.
        reason: `better_than_current`, `better_than_scratch`, `better_than_constant`, `not_better_than_current`,
            `not_better_than_scratch`, `not_better_than_constant`, `not_better_than_linear`, `too_few_tasks`,
            `new_not_finite` or `reference_not_finite`.
        mean_difference: Of new - reference held-out loss; below 0 is better; NaN where not computed.
        low: Lower confidence limit of it.
        high: Upper confidence limit of it.
        n: Units: held-out tasks, or groups of held-out classes.
        shots: Of those judged at, the ones at which the new weights beat every trivial predictor.
    """

    publish: bool
    reason: str
    mean_difference: float
    low: float
    high: float
    n: int
    shots: tuple[int, ...] = ()


def judge(
    new: Mapping[int, Losses],
    current: Mapping[int, Losses] | None,
    *,
    scratch: Mapping[int, Losses] | None = None,
    trivial: Mapping[str, Mapping[int, Losses]] | None = None,
    confidence: float = 0.95,
) -> GateVerdict:
    """Decide: publish only if every upper confidence limit of a paired difference that counts is below 0.

    What is there must be beaten on average over all numbers of shots: else weights that are good at one of them would
    be lost to weights that are good at another. Trivial predictors must be beaten, all of them, at one number of shots
    at least, at which the weights are then worth something; its limits are as much stricter as there are numbers to
    choose from (Bonferroni).

    Args:
        new: Query loss per unit (n,), by number of shots; see `held_out`.
        current: Of the published weights on the same rows; None if there are none.
        scratch: Of a fresh start; the reference when there are no current weights, or theirs are not finite on every
            unit (weights that diverge must not defend their place).
        trivial: Of trivial predictors, by their names, in the order in which they are told.
        confidence: Two-sided, in (0, 1).

    Raises:
        ValueError: No reference is given, or shapes differ.
    """
    references = {"current": current, "scratch": scratch} | dict(trivial or {})
    given = {name: losses for name, losses in references.items() if losses is not None}
    if not given:
        raise ValueError("with no current weights the gate needs the losses of a fresh start")
    shapes = {losses.shape for of in (new, *given.values()) for losses in of.values()}
    if len(shapes) > 1 or any(of.keys() != new.keys() for of in given.values()):
        raise ValueError(f"the losses are of different tasks or shots: {sorted(shapes)}")
    n = next(iter(shapes))[0]
    finite = {name: losses for name, losses in given.items() if _is_finite(losses)}
    if n < MIN_TASKS:
        return _refused("too_few_tasks", n)
    if not _is_finite(new):
        return _refused("new_not_finite", n)
    if not finite:
        return _refused("reference_not_finite", n)
    name = next(iter(finite))
    beside = paired_difference(_mean(new), _mean(finite[name]), confidence=confidence)
    if beside.high >= 0:
        return _verdict(f"not_better_than_{name}", beside)
    stricter = 1 - (1 - confidence) / len(new)
    worst: list[tuple[float, str, PairedDifference]] = []
    shots = []
    for k in new:
        found = {
            other: paired_difference(new[k], finite[other][k], confidence=stricter)
            for other in trivial or ()
            if other in finite
        }
        if all(difference.high < 0 for difference in found.values()):
            shots.append(k)
        else:
            worst.append(max((difference.high, other, difference) for other, difference in found.items()))
    if not shots:
        _, other, difference = min(worst)
        return _verdict(f"not_better_than_{other}", difference)
    return _verdict(f"better_than_{name}", beside, publish=True, shots=shots)


def _is_finite(losses: Mapping[int, Losses]) -> bool:
    return all(np.isfinite(one).all() for one in losses.values())


def _mean(losses: Mapping[int, Losses]) -> Losses:
    return np.asarray(np.mean(list(losses.values()), axis=0))


def _refused(reason: str, n: int) -> GateVerdict:
    return GateVerdict(False, reason, nan, nan, nan, n)


def _verdict(reason: str, found: PairedDifference, *, publish: bool = False, shots: Sequence[int] = ()) -> GateVerdict:
    return GateVerdict(publish, reason, found.mean, found.low, found.high, found.n, tuple(shots))
