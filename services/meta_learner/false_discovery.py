"""Which drifts of a family are real: e-BH over the e-values of its models keeps the rate of false ones."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from homeostat.core import Emit
from homeostat.events import IndicatorComputed
from homeostat.events.logs import INDICATORS
from homeostat.stats.ebh import e_bh


@dataclass(slots=True)
class DriftEvidence:
    """Of one model.

    Args:
        log2_e: Base-2 logarithm of the e-value for a change; None from a detector that has none and is believed.
        is_discovery: Whether e-BH over the family selects it.
    """

    log2_e: float | None = 0.0
    is_discovery: bool = False


def screen(family: Mapping[str, DriftEvidence], model: str, log2_e: float | None, rate: float) -> tuple[Emit, ...]:
    """Take in how the evidence of a model stands, and look at the whole family anew.

    Args:
        family: By model; changed.
        model: Whose evidence it is.
        log2_e: Base-2 logarithm of its e-value; 0 without evidence; None from a detector that has none.
        rate: Of false discoveries, in (0, 1).

    Returns:
        `family_discovery` for each model whose standing has changed: 1 is a drift that will be acted on.
    """
    family[model].log2_e = log2_e
    if log2_e is None:
        return ()
    named = sorted(family.items())
    bits = np.array([0.0 if each.log2_e is None else each.log2_e for _, each in named])
    emits = []
    for (name, each), is_discovery in zip(named, e_bh(bits, rate).tolist(), strict=True):
        if is_discovery != each.is_discovery:
            each.is_discovery = is_discovery
            data = IndicatorComputed(model=name, name="family_discovery", value=float(is_discovery), n=len(named))
            emits.append(Emit(INDICATORS, data, name))
    return tuple(emits)


def update(
    family: Mapping[str, DriftEvidence], model: str, log2_e: float, rate: float, *, is_open: bool
) -> tuple[Emit, ...]:
    """Take in evidence below the guarantee of the detector.

    While a drift is open only more evidence counts: the detector began anew with it, so what it says now is of changes
    since, and the drift stays as real as it was.

    Args:
        family: By model; changed.
        model: Whose evidence it is.
        log2_e: As in `screen`.
        rate: As in `screen`.
        is_open: Whether the model has an open drift.
    """
    known = family[model].log2_e
    if is_open and (known is None or log2_e <= known):
        return ()
    return screen(family, model, log2_e, rate)
