"""Which models there are. Anybody can register one, so nothing here grows without bound, or costs more for many."""

from typing import Final

from homeostat.core import Reject
from homeostat.core.identity import scope_of
from homeostat.events import ModelConfigured
from homeostat.events.base import TIERS, Tier
from homeostat.services.governor.state import Model, State

MOST_IDLE: Final = 5_000
"""Models of a scope that no proposal, no action and no signed request has been about."""

MOST_IDLE_IN_ALL: Final = 50_000


def register(state: State, subject: str, family: str, champion: str, artifact: str | None, tier: Tier) -> None:
    """Take a model in, as telemetry says.

    One that is known keeps its family and its champion, as a client may register at each start. Its tier may be raised,
    never lowered: nobody has signed this.
    """
    known = state.models.get(subject)
    if known is not None:
        known.tier = max(known.tier, tier, key=TIERS.index)
        return
    scope = scope_of(subject)
    if len(state.idle.get(scope, ())) >= MOST_IDLE:
        _forget(state, scope)
    elif state.n_idle >= MOST_IDLE_IN_ALL:
        _forget(state, scope if scope in state.idle else next(reversed(state.idle)))
    state.models[subject] = Model(family, champion, artifact, tier)
    state.n_models[scope] = state.n_models.get(scope, 0) + 1
    state.idle.setdefault(scope, {})[subject] = None
    state.n_idle += 1


def keep(state: State, subject: str) -> None:
    """A proposal, an action or a signed request is about a model: no flood of others displaces it."""
    scope = scope_of(subject)
    idle = state.idle.get(scope, {})
    if subject in idle:
        del idle[subject]
        state.n_idle -= 1
        if not idle:
            del state.idle[scope]


def n_kept(state: State, scope: str) -> int:
    """Models of a scope that a proposal, an action or a signed request was about: no stranger can make them many."""
    return state.n_models.get(scope, 0) - len(state.idle.get(scope, ()))


def configure(state: State, data: ModelConfigured) -> None:
    """Set what the law says of a model.

    Raises:
        Reject: `model_unknown`.
    """
    model = state.models.get(data.model)
    if model is None:
        raise Reject("model_unknown", f"{data.model} is not registered: publish model.registered first")
    keep(state, data.model)
    model.tier = data.tier if data.tier is not None else model.tier
    model.owner = data.owner if data.owner is not None else model.owner
    model.is_regulated = data.is_regulated if data.is_regulated is not None else model.is_regulated


def _forget(state: State, scope: str) -> None:
    """Drop the idle model of a scope that was registered last: a flood displaces itself, not who was there before."""
    subject = next(reversed(state.idle[scope]))
    keep(state, subject)
    del state.models[subject]
    state.n_models[scope] -= 1
    state.n_forgotten[scope] = state.n_forgotten.get(scope, 0) + 1
    if not state.n_models[scope]:
        del state.n_models[scope], state.n_forgotten[scope]
