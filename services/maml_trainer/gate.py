"""The gate before `weights.published`: better on held-out tasks, or not at all."""

from dataclasses import dataclass
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maml_trainer.interval import paired_difference

# Of units that share no row. Below this the normal interval misses more than 1.6 times as often as it says.
MIN_TASKS: Final = 10


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Whether to publish, and on what evidence.

    Args:
        publish: The verdict.
        reason: `better_than_current`, `better_than_scratch`, `not_better_than_current`,
            `not_better_than_scratch`, `too_few_tasks`, `new_not_finite` or `reference_not_finite`.
        mean_difference: Of new - reference held-out loss; below 0 is better; NaN where not computed.
        low: Lower confidence limit of it.
        high: Upper confidence limit of it.
        n: Units: held-out tasks, or groups of held-out classes.
    """

    publish: bool
    reason: str
    mean_difference: float
    low: float
    high: float
    n: int


def judge(
    new_losses: NDArray[np.float64],
    current_losses: NDArray[np.float64] | None,
    *,
    scratch_losses: NDArray[np.float64] | None = None,
    confidence: float = 0.95,
) -> GateVerdict:
    """Decide: publish only if the upper confidence limit of the paired difference is below 0.

    Args:
        new_losses: Query loss per unit (n,); see `held_out`.
        current_losses: Of the published weights on the same rows; None if there are none.
        scratch_losses: Of a fresh start; the reference when there are no current weights, or theirs
            are not finite on every unit (weights that diverge must not defend their place).
        confidence: Two-sided, in (0, 1).

    Raises:
        ValueError: Neither reference is given, or shapes differ.
    """
    if current_losses is not None and (np.isfinite(current_losses).all() or scratch_losses is None):
        reference, name = current_losses, "current"
    elif scratch_losses is not None:
        reference, name = scratch_losses, "scratch"
    else:
        raise ValueError("with no current weights the gate needs the losses of a fresh start")
    if new_losses.shape != reference.shape:
        raise ValueError(f"the losses are of different tasks: {new_losses.shape} and {reference.shape}")
    refusal = None
    if len(new_losses) < MIN_TASKS:
        refusal = "too_few_tasks"
    elif not np.isfinite(new_losses).all():
        refusal = "new_not_finite"
    elif not np.isfinite(reference).all():
        refusal = "reference_not_finite"
    if refusal is not None:
        return GateVerdict(False, refusal, nan, nan, nan, len(new_losses))
    found = paired_difference(new_losses, reference, confidence=confidence)
    publish = found.high < 0
    reason = f"{'better' if publish else 'not_better'}_than_{name}"
    return GateVerdict(publish, reason, found.mean, found.low, found.high, found.n)
