"""What is in flight, counted as it comes and goes: no rule walks over all actions, or all models."""

from heapq import heappop, heappush
from typing import Final

from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed
from homeostat.events.series import key_of_band
from homeostat.services.governor.state import Action, Load, Phase, State, Waiting

SERVING: Final = ("retrain", "rollout")
"""Kinds of actions that change what a model serves."""

_TRAINING: Final = ("training", "acting")
"""Phases that take training slots."""

_MOST_STALE: Final = 64
"""Expiries of what has ended that the heap holds, beside as many as there are live ones."""


def target_of(proposal: ActionProposed) -> str:
    """What an action excludes others from: what a model serves, one of its signals, the weights of a family."""
    if proposal.kind in SERVING:
        return _serving(proposal.model or proposal.family)
    if proposal.kind != "threshold":
        return f"{proposal.kind} {proposal.family}"
    series = "" if proposal.band is None else key_of_band(proposal.band)
    return f"threshold {proposal.model or proposal.family} {series}"


def has_canary(proposal: ActionProposed) -> bool:
    """Whether it may give a version traffic."""
    return proposal.kind in SERVING and proposal.chosen != "skip"


def begin(state: State, id_: str, action: Action) -> None:
    """Put an action in: held, or in flight."""
    state.actions[id_] = action
    state.loads.setdefault(action.scope, Load()).actions[id_] = True
    state.targets.setdefault(target_of(action.proposal), []).append(id_)
    _count(state, action, 1)
    schedule(state, id_, action.expires_at)


def end(state: State, id_: str) -> Action:
    """Take an action out, wherever it is; return it."""
    action = state.actions.pop(id_)
    _count(state, action, -1)
    _forget(state, target_of(action.proposal), id_)
    load = state.loads[action.scope]
    del load.actions[id_]
    _tidy(state, action.scope)
    return action


def move(state: State, action: Action, phase: Phase) -> None:
    """Take an action that is in flight to another phase."""
    _count(state, action, -1)
    action.phase = phase
    _count(state, action, 1)


def hold_back(state: State, id_: str, action: Action) -> None:
    """Keep the old champion of a promotion that is over."""
    state.holdbacks[id_] = action
    state.targets.setdefault(_held_back(action.model or ""), []).append(id_)
    schedule(state, id_, action.expires_at)


def let_go(state: State, id_: str) -> Action | None:
    """Forget a holdback; return it if there was one."""
    action = state.holdbacks.pop(id_, None)
    if action is not None:
        _forget(state, _held_back(action.model or ""), id_)
    return action


def await_model(state: State, id_: str, waiting: Waiting) -> None:
    """Put a proposal off until its model is registered."""
    state.waiting[id_] = waiting
    state.awaited.setdefault(waiting.proposal.model or "", []).append(id_)
    state.loads.setdefault(scope_of(waiting.proposal.family), Load()).n_waiting += 1
    schedule(state, id_, waiting.expires_at)


def stop_waiting(state: State, id_: str) -> Waiting:
    """Take a proposal back that was put off."""
    waiting = state.waiting.pop(id_)
    scope, subject = scope_of(waiting.proposal.family), waiting.proposal.model or ""
    state.awaited[subject].remove(id_)
    if not state.awaited[subject]:
        del state.awaited[subject]
    state.loads[scope].n_waiting -= 1
    _tidy(state, scope)
    return waiting


def serving(state: State, subject: str) -> list[tuple[str, Action]]:
    """Actions that change what a model serves, the held ones too, by id."""
    return [(id_, state.actions[id_]) for id_ in sorted(state.targets.get(_serving(subject), ()))]


def held_back(state: State, subject: str) -> list[str]:
    """Holdbacks of a model, by id."""
    return sorted(state.targets.get(_held_back(subject), ()))


def rivals(state: State, proposal: ActionProposed) -> int:
    """Actions in flight that exclude what is proposed."""
    ids = state.targets.get(target_of(proposal), ())
    return sum(state.actions[id_].phase != "held" for id_ in ids)


def in_scopes(state: State, scope: str) -> list[str]:
    """Ids of the actions in a scope, in all of them for `*`, or of those on one model, sorted."""
    if scope == "*":
        return sorted(state.actions)
    if "/" in scope:
        return [id_ for id_, _ in serving(state, scope)]
    return sorted(state.loads[scope].actions) if scope in state.loads else []


def schedule(state: State, id_: str, at: int) -> None:
    """Note when something expires."""
    heappush(state.due, (at, id_))
    n_live = len(state.actions) + len(state.holdbacks) + len(state.waiting)
    if len(state.due) > 2 * n_live + _MOST_STALE:
        state.due = sorted({entry for entry in state.due if _is_live(state, entry)})  # sorted is a heap too


def next_at(state: State) -> int | None:
    """When the first of what is in flight, held back or waiting expires, ms."""
    return state.due[0][0] if state.due else None


def drop_stale(state: State) -> None:
    """Forget the expiries of what has ended, up to the first that counts: `next_at` looks at that."""
    while state.due and not _is_live(state, state.due[0]):
        heappop(state.due)


def expired(state: State, now: int) -> list[str]:
    """Take out of the heap what is due, and return it: each once, by id."""
    found = set[str]()
    while state.due and state.due[0][0] <= now:
        entry = heappop(state.due)
        if _is_live(state, entry):
            found.add(entry[1])
    return sorted(found)


def _is_live(state: State, entry: tuple[int, str]) -> bool:
    at, id_ = entry
    known = (state.actions.get(id_), state.holdbacks.get(id_), state.waiting.get(id_))
    return any(each is not None and each.expires_at == at for each in known)


def _serving(subject: str) -> str:
    return f"serving {subject}"


def _held_back(subject: str) -> str:
    return f"held-back {subject}"


def _forget(state: State, target: str, id_: str) -> None:
    ids = state.targets[target]
    ids.remove(id_)
    if not ids:
        del state.targets[target]


def _tidy(state: State, scope: str) -> None:
    load = state.loads[scope]
    if not load.actions and not load.n_waiting:
        del state.loads[scope]


def _count(state: State, action: Action, sign: int) -> None:
    if action.phase == "held":
        return
    load = state.loads[action.scope]
    load.n += sign
    load.n_canaries += sign * has_canary(action.proposal)
    if action.phase in _TRAINING:
        state.slots_taken += sign * action.proposal.slots
