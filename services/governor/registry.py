"""Which models there are. Anybody can register one, so nothing here grows without bound, or costs more for many."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Reject
from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed, ModelConfigured, ModelRegistered
from homeostat.events.base import TIERS, Tier

MOST_IDLE: Final = 5_000
"""Models of a scope that no proposal, no action and no signed request has been about."""

MOST_IDLE_IN_ALL: Final = 50_000


@dataclass(slots=True)
class Model:
    """A model under governance.

    Args:
        family: `scope/family`.
        champion: What serves.
        artifact: Its weights, if known.
        tier: Risk: as signed, or higher where telemetry says so.
        owner: Who answers for it, as signed.
        is_regulated: As signed: a person approves whatever changes it.
        rollout: Hand that changes what it serves; see `ModelRegistered`.
        last_good: What served before, and its artifact; None after a step back, as what was left is not good.
        starts: Times of the actions started that change what serves, ms, newest last.
        threshold_starts: The same of thresholds.
        settled_at: When the last action that changes what serves ended, ms.
        n_unapproved: Deployments that no approved action made.
    """

    family: str
    champion: str
    artifact: str | None
    tier: Tier
    owner: str = ""
    is_regulated: bool = False
    rollout: str | None = None
    last_good: str | None = None
    last_good_artifact: str | None = None
    starts: list[int] = field(default_factory=list)
    threshold_starts: list[int] = field(default_factory=list)
    settled_at: int | None = None
    n_unapproved: int = 0

    def serve(self, version: str, artifact: str | None) -> None:
        """Take note of the version that serves now, and of the one to go back to."""
        if self.champion == version:
            return
        if version == self.last_good:  # a step back: what it leaves is not good
            self.champion, self.artifact = version, artifact or self.last_good_artifact
            self.last_good = self.last_good_artifact = None
            return
        self.last_good, self.last_good_artifact = self.champion, self.artifact
        self.champion, self.artifact = version, artifact

    def configure(self, data: ModelConfigured) -> None:
        """Set what a signed request says of the model."""
        self.tier = data.tier if data.tier is not None else self.tier
        self.owner = data.owner if data.owner is not None else self.owner
        self.is_regulated = data.is_regulated if data.is_regulated is not None else self.is_regulated
        self.rollout = data.rollout if data.rollout is not None else self.rollout

    def is_eased_by(self, data: ModelConfigured) -> bool:
        """Whether it would get a lower tier than it has, or be regulated no more."""
        is_lower = data.tier is not None and TIERS.index(data.tier) < TIERS.index(self.tier)
        return is_lower or (self.is_regulated and data.is_regulated is False)


@dataclass(slots=True)
class Registry:
    """The models of all scopes, and the meta-trainings of their families.

    Args:
        models: By `scope/model`.
        n_kept: Models that something but a registration was about, by scope: no stranger makes them many.
        idle: Models that no action and no signed request was about, the oldest first, by scope.
        n_idle: How many there are in all.
        n_forgotten: Idle models that had to go, by scope.
        meta_training_starts: Times of the meta-trainings started, ms, newest last, by `scope/family`.
    """

    models: dict[str, Model] = field(default_factory=dict)
    n_kept: dict[str, int] = field(default_factory=dict)
    idle: dict[str, dict[str, None]] = field(default_factory=dict)
    n_idle: int = 0
    n_forgotten: dict[str, int] = field(default_factory=dict)
    meta_training_starts: dict[str, list[int]] = field(default_factory=dict)

    def register(self, subject: str, family: str, data: ModelRegistered) -> None:
        """Take a model in, as telemetry says.

        One that is known keeps its family and its champion, as a client may register at each start. Its tier may be
        raised, never lowered: nobody has signed this.

        Args:
            subject: `scope/model`.
            family: `scope/family`.
            data: The registration.
        """
        known = self.models.get(subject)
        if known is not None:
            known.tier = max(known.tier, data.tier, key=TIERS.index)
            return
        scope = scope_of(subject)
        if len(self.idle.get(scope, ())) >= MOST_IDLE:
            self._forget_newest(scope)
        elif self.n_idle >= MOST_IDLE_IN_ALL:
            self._forget_newest(scope if scope in self.idle else next(reversed(self.idle)))
        self.models[subject] = Model(family, data.champion, data.artifact, data.tier, rollout=data.rollout)
        self.idle.setdefault(scope, {})[subject] = None
        self.n_idle += 1

    def keep(self, subject: str) -> None:
        """Let no flood of others displace a model: a proposal, an action or a signed request is about it."""
        scope = scope_of(subject)
        if subject in self.idle.get(scope, ()):
            self._drop_idle(scope, subject)
            self.n_kept[scope] = self.n_kept.get(scope, 0) + 1

    def configure(self, data: ModelConfigured) -> None:
        """Set what a signed request says of a model.

        Raises:
            Reject: `model_unknown`.
        """
        model = self.models.get(data.model)
        if model is None:
            raise Reject("model_unknown", f"{data.model} is not registered: publish model.registered first")
        self.keep(data.model)
        model.configure(data)

    def serve(self, subject: str, version: str, artifact: str | None) -> None:
        """Take note of the version that serves a model, if it is known.

        Args:
            subject: `scope/model`.
            version: What serves now.
            artifact: Its weights, if known.
        """
        model = self.models.get(subject)
        if model is not None:
            model.serve(version, artifact)

    def settle(self, subject: str, now: int) -> None:
        """Begin the cooldown of a model, `scope/model`, if it is known."""
        model = self.models.get(subject)
        if model is not None:
            model.settled_at = now

    def starts_of(self, proposal: ActionProposed) -> list[int]:
        """Times at which actions of this kind were started on the same model, or in the same family, ms."""
        if proposal.kind == "meta_training":
            return self.meta_training_starts.get(proposal.family, [])
        model = self.models.get(proposal.model or "")
        if model is None:
            return []
        return model.threshold_starts if proposal.kind == "threshold" else model.starts

    def add_start(self, proposal: ActionProposed, now: int, n_kept: int) -> None:
        """Count an action in the rate of its kind.

        Args:
            proposal: What is started.
            now: Broker time, ms.
            n_kept: So many starts are remembered, >= 1: no fewer than the rate counts.
        """
        starts = self.starts_of(proposal)
        if proposal.kind == "meta_training":
            starts = self.meta_training_starts.setdefault(proposal.family, starts)
        starts.append(now)
        del starts[:-n_kept]

    def _forget_newest(self, scope: str) -> None:
        """Drop the idle model that was registered last: a flood displaces itself, not who was there before."""
        subject = next(reversed(self.idle[scope]))
        self._drop_idle(scope, subject)
        del self.models[subject]
        self.n_forgotten[scope] = self.n_forgotten.get(scope, 0) + 1
        if scope not in self.idle and scope not in self.n_kept:
            del self.n_forgotten[scope]

    def _drop_idle(self, scope: str, subject: str) -> None:
        del self.idle[scope][subject]
        self.n_idle -= 1
        if not self.idle[scope]:
            del self.idle[scope]
