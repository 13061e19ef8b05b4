"""What is in flight, counted as it comes and goes: no rule walks over all actions, or all models."""

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, NamedTuple, assert_never

from homeostat.core import Identity
from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed, MetaTrainingProposed, RetrainProposed, RolloutProposed, ThresholdProposed
from homeostat.events.proposals import of_kind
from homeostat.events.series import key_of_band
from homeostat.services.governor.action import Action, Phase

_TRAINING: Final = ("training", "acting")
"""Phases that take training slots."""

_MOST_STALE: Final = 64
"""Expiries of what has ended that the heap holds, beside as many as there are live ones."""


@dataclass(slots=True)
class Waiting:
    """A proposal about a model whose registration is on its way.

    Args:
        proposal: What was asked.
        story: Story of the proposal.
        requester: Who asked, if a person did.
        expires_at: When it is decided without, ms.
    """

    proposal: ActionProposed
    story: Identity
    requester: str
    expires_at: int


@dataclass(slots=True)
class Load:
    """What a scope has in flight.

    Args:
        n: Actions in flight: not those that are held.
        n_canaries: Of which so many may give a model a canary.
        actions: Ids of all, the held ones too, in the order in which they came; the values say nothing.
        n_waiting: Proposals that wait for a registration.
    """

    n: int = 0
    n_canaries: int = 0
    actions: dict[str, bool] = field(default_factory=dict)
    n_waiting: int = 0


class _Footprint(NamedTuple):
    """What an action takes while it is in flight.

    Args:
        scope: Its scope.
        target: What it excludes others from: what a model serves, one of its signals, the weights of a family.
        has_canary: Whether it may give a version traffic.
    """

    scope: str
    target: str
    has_canary: bool


class Competition(NamedTuple):
    """What is in flight beside a proposal.

    Args:
        has_canary: Whether the proposal may give a version traffic.
        n_rivals: Actions in flight that it excludes.
        load: Of its scope.
    """

    has_canary: bool
    n_rivals: int
    load: Load


@dataclass(slots=True)
class InFlight:
    """Actions, holdbacks and proposals that wait, with the indexes that answer for them.

    Args:
        actions: In flight and held, by id.
        holdbacks: Promotions whose old champion is a shadow until the outcome is final, by id.
        waiting: Proposals whose model is not registered yet, by id.
        awaited: Their ids, by model.
        loads: By scope; for a scope in which nothing is there is none.
        targets: Ids of the actions that exclude each other, and of holdbacks, by what they are about.
        slots_taken: Training slots in use.
        due: When each of them expires, and which: a heap. Some have ended before; the first has not.
    """

    actions: dict[str, Action] = field(default_factory=dict)
    holdbacks: dict[str, Action] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    awaited: dict[str, list[str]] = field(default_factory=dict)
    loads: dict[str, Load] = field(default_factory=dict)
    targets: dict[str, list[str]] = field(default_factory=dict)
    slots_taken: int = 0
    due: list[tuple[int, str]] = field(default_factory=list)

    def begin(self, id_: str, action: Action) -> None:
        """Put an action in: held, or in flight."""
        self.actions[id_] = action
        scope, target, has_canary = _footprint_of(action.proposal)
        self.loads.setdefault(scope, Load()).actions[id_] = True
        self.targets.setdefault(target, []).append(id_)
        self._count(action, self.loads[scope], 1, has_canary=has_canary)
        self._schedule(id_, action.expires_at)

    def end(self, id_: str) -> Action:
        """Take an action out, wherever it is; return it."""
        action = self.actions.pop(id_)
        scope, target, has_canary = _footprint_of(action.proposal)
        self._count(action, self.loads[scope], -1, has_canary=has_canary)
        self._forget(target, id_)
        del self.loads[scope].actions[id_]
        self._tidy(scope)
        self._drop_stale()
        return action

    def move(self, action: Action, phase: Phase) -> None:
        """Take an action that is in flight to another phase of it."""
        is_training = phase in _TRAINING
        if (action.phase in _TRAINING) != is_training:
            self.slots_taken += action.proposal.slots if is_training else -action.proposal.slots
        action.phase = phase

    def withdraw_approvals(self, principal: str) -> None:
        """Let what one who has lost a right has approved count no more where it waits for a second person."""
        for action in self.actions.values():
            if principal in action.approvers:
                action.approvers.remove(principal)

    def hold_back(self, id_: str, action: Action) -> None:
        """Keep the old champion of a promotion that is over."""
        self.holdbacks[id_] = action
        self.targets.setdefault(_held_back(action.proposal.model or ""), []).append(id_)
        self._schedule(id_, action.expires_at)

    def let_go(self, id_: str) -> Action | None:
        """Forget a holdback; return it if there was one."""
        action = self.holdbacks.pop(id_, None)
        if action is not None:
            self._forget(_held_back(action.proposal.model or ""), id_)
            self._drop_stale()
        return action

    def let_go_of(self, subject: str) -> None:
        """Forget the holdbacks of a model."""
        for id_ in self.held_back(subject):
            self.let_go(id_)

    def wait(self, id_: str, waiting: Waiting) -> None:
        """Put a proposal off until its model is registered."""
        self.waiting[id_] = waiting
        self.awaited.setdefault(waiting.proposal.model or "", []).append(id_)
        self.loads.setdefault(scope_of(waiting.proposal.family), Load()).n_waiting += 1
        self._schedule(id_, waiting.expires_at)

    def stop_waiting(self, id_: str) -> Waiting:
        """Take a proposal back that was put off."""
        waiting = self.waiting.pop(id_)
        scope, subject = scope_of(waiting.proposal.family), waiting.proposal.model or ""
        self.awaited[subject].remove(id_)
        if not self.awaited[subject]:
            del self.awaited[subject]
        self.loads[scope].n_waiting -= 1
        self._tidy(scope)
        self._drop_stale()
        return waiting

    def serving(self, subject: str) -> list[tuple[str, Action]]:
        """Actions that change what a model serves, the held ones too, by id."""
        return [(id_, self.actions[id_]) for id_ in sorted(self.targets.get(_serving(subject), ()))]

    def held_back(self, subject: str) -> list[str]:
        """Holdbacks of a model, by id."""
        return sorted(self.targets.get(_held_back(subject), ()))

    def competition(self, proposal: ActionProposed) -> Competition:
        """Return what is in flight beside a proposal."""
        scope, target, has_canary = _footprint_of(proposal)
        n_rivals = sum(self.actions[id_].phase != "held" for id_ in self.targets.get(target, ()))
        return Competition(has_canary, n_rivals, self.loads.get(scope) or Load())

    def of_scope(self, scope: str) -> list[str]:
        """Ids of the actions in a scope, in all of them for `*`, or of those on one model, sorted."""
        if scope == "*":
            return sorted(self.actions)
        if "/" in scope:
            return [id_ for id_, _ in self.serving(scope)]
        return sorted(self.loads[scope].actions) if scope in self.loads else []

    def next_at(self) -> int | None:
        """When the first of what is in flight, held back or waiting expires, ms."""
        return self.due[0][0] if self.due else None

    def take_expired(self, now: int) -> list[str]:
        """Take what is due out of the heap, and return it: each once, by id."""
        found = set[str]()
        while self.due and self.due[0][0] <= now:
            entry = heappop(self.due)
            if self._is_live(entry):
                found.add(entry[1])
        self._drop_stale()
        return sorted(found)

    def _schedule(self, id_: str, at: int) -> None:
        heappush(self.due, (at, id_))
        n_live = len(self.actions) + len(self.holdbacks) + len(self.waiting)
        if len(self.due) > 2 * n_live + _MOST_STALE:
            self.due = sorted({entry for entry in self.due if self._is_live(entry)})  # sorted is a heap too

    def _drop_stale(self) -> None:
        """Forget the expiries of what has ended, up to the first that counts: `next_at` looks at that."""
        while self.due and not self._is_live(self.due[0]):
            heappop(self.due)

    def _is_live(self, entry: tuple[int, str]) -> bool:
        at, id_ = entry
        known = (self.actions.get(id_), self.holdbacks.get(id_), self.waiting.get(id_))
        return any(each is not None and each.expires_at == at for each in known)

    def _forget(self, target: str, id_: str) -> None:
        ids = self.targets[target]
        ids.remove(id_)
        if not ids:
            del self.targets[target]

    def _tidy(self, scope: str) -> None:
        load = self.loads[scope]
        if not load.actions and not load.n_waiting:
            del self.loads[scope]

    def _count(self, action: Action, load: Load, sign: int, *, has_canary: bool) -> None:
        if action.phase == "held":
            return
        load.n += sign
        load.n_canaries += sign * has_canary
        if action.phase in _TRAINING:
            self.slots_taken += sign * action.proposal.slots


def _held_back(subject: str) -> str:
    return f"held-back {subject}"


def _serving(subject: str) -> str:
    return f"serving {subject}"


def _footprint_of(proposal: ActionProposed) -> _Footprint:
    """Return what an action takes while it is in flight."""
    scope, has_canary = scope_of(proposal.family), False
    match of_kind(proposal):
        case RetrainProposed() | RolloutProposed() as serving:
            target, has_canary = _serving(serving.model), serving.chosen != "skip"
        case ThresholdProposed(model=model, band=band):
            target = f"threshold {model} {key_of_band(band)}"
        case MetaTrainingProposed(family=family):
            target = f"meta_training {family}"
        case other:
            assert_never(other)
    return _Footprint(scope, target, has_canary)
