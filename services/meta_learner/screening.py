"""Which drifts of a family are real: e-BH over the e-values of its models keeps the rate of false ones."""

import numpy as np

from homeostat.core import Emit
from homeostat.events import IndicatorComputed
from homeostat.events.logs import INDICATORS
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import State
from homeostat.stats.ebh import e_bh


def screen(state: State, subject: str, log2_e: float | None, settings: LearnerSettings) -> tuple[Emit, ...]:
    """Take in what a model says of a change, and look at the whole family anew.

    Args:
        state: Changed.
        subject: The model.
        log2_e: Base-2 logarithm of its e-value; 0 without evidence; None from a detector that has none and is believed.
        settings: With the false discovery rate.

    Returns:
        `family_discovery` for each model whose standing has changed: 1 is a drift that will be acted on.
    """
    model = state.models[subject]
    model.log2_e = log2_e
    if log2_e is None:
        return ()
    named = sorted(state.models.items())
    bits = np.array([0.0 if each.log2_e is None else each.log2_e for _, each in named])
    emits = []
    for (name, each), is_discovery in zip(named, e_bh(bits, settings.false_discovery_rate).tolist(), strict=True):
        if is_discovery != each.is_discovery:
            each.is_discovery = is_discovery
            said = IndicatorComputed(model=name, name="family_discovery", value=float(is_discovery), n=len(named))
            emits.append(Emit(INDICATORS, said, name))
    return tuple(emits)


def update(state: State, subject: str, log2_e: float, settings: LearnerSettings) -> tuple[Emit, ...]:
    """Take in how the evidence of a model stands; a model that nobody knows changes nothing.

    While a drift is open only more evidence counts: the detector began anew with it, so what it says now is of changes
    since, and the drift stays as real as it was.
    """
    model = state.models.get(subject)
    if model is None:
        return ()
    if model.drift is not None and (model.log2_e is None or log2_e <= model.log2_e):
        return ()
    return screen(state, subject, log2_e, settings)


def is_real(state: State, subject: str) -> bool:
    """Tell whether a model's drift may be acted on."""
    model = state.models[subject]
    return model.log2_e is None or model.is_discovery
