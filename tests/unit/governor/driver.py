"""Drive a governor with people who sign and one model, in every way that there is."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.support.fold_driver import FoldDriver
from tests.unit.governor.emits import one

from homeostat.audit.keys import Key
from homeostat.audit.signing import key_id, signed_bytes
from homeostat.codec import encode_payload
from homeostat.core import Emit, Reject
from homeostat.core.identity import scope_of
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionProposed,
    ActionReverted,
    ActionSettled,
    Arm,
    Band,
    CanaryJudged,
    Candidate,
    CandidateTrained,
    ClockTicked,
    Command,
    Data,
    KeyRegistered,
    MetaTraining,
    ModelRegistered,
    Plan,
    Provenance,
    Range,
    RoleGranted,
    Rollout,
    VerdictGiven,
)
from homeostat.events.answers import ANSWERS
from homeostat.events.logs import EXPERIENCE, VERDICTS
from homeostat.services.governor.fold import Governor
from homeostat.services.governor.settings import GovernorSettings
from homeostat.services.governor.state import State

SCOPE, FAMILY, MODEL = "acme", "acme/cameras", "acme/camera-1"
EMITTER = "/homeostat/governor/homeostat.governance/t/0"
LEARNER = "/homeostat/meta_learner/homeostat.experience/e/0"
START_MS = 1_000_000
HOUR_MS = 3_600_000
HANDS = ("rollout_actuator", "retrain_actuator", "threshold_actuator", "maml_trainer")
DIGEST = {arm: f"{n}" * 64 for n, arm in enumerate(("v0", "warm", "head", "scratch"), 1)}
D = TypeVar("D", bound=Data)


def key_of(name: str) -> Key:
    """The key of a person, the same in every run."""
    private = Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b".")[:32])
    public = private.public_key().public_bytes_raw()
    return Key(name, key_id(public), public.hex(), private)


def registration(name: str, *roles: str) -> KeyRegistered:
    """Make a person's key known."""
    key = key_of(name)
    return KeyRegistered.model_validate(
        {"key": key.key_id, "public_key": key.public_key_hex, "principal": name, "roles": roles}
    )


class GovernorDriver(FoldDriver[State]):
    """The governor, step by step.

    Args:
        settings: Of the governor.
        is_restored: Put the state through the snapshot codec after every step.
        model_tier: Risk of the one model.
    """

    def __init__(
        self, settings: GovernorSettings | None = None, *, is_restored: bool = True, model_tier: str = "low"
    ) -> None:
        super().__init__(Governor(settings), SCOPE, LEARNER, EMITTER, is_restored=is_restored)
        self.now = START_MS
        self.said: list[Emit] = []
        self.commands: list[tuple[str, Command]] = []
        self.law(registration("root", "admin"))
        for hand in HANDS:
            self.law(registration(hand, f"hand:{hand}"))
        for name, role in (("olga", "operator"), ("ada", "approver"), ("ben", "approver")):
            self.law(registration(name))
            self.law(RoleGranted.model_validate({"principal": name, "role": role, "scope": SCOPE}))
        self.register(tier=model_tier)

    def tell(self, data: Data, *, subject: str = SCOPE, id_: str = "", story: str = "story") -> list[Emit]:
        """Fold one event in; return what it led to."""
        event, emits = self.fold_in(data, self.now, id_=id_, subject=subject, story=story)
        self.commands += [
            (event.emit_identity(n), emit.data) for n, emit in enumerate(emits) if isinstance(emit.data, Command)
        ]
        self.said += emits
        return emits

    def signed(self, data: D, name: str, *, subject: str = SCOPE, id_: str = "", signed: bytes | None = None) -> D:
        """A request as intake passes it on."""
        if "valid_until" in type(data).model_fields and getattr(data, "valid_until", None) is None:
            data = data.model_copy(update={"valid_until": self.now + HOUR_MS})
        key, id_ = key_of(name), id_ or f"request-{self.offset}"
        text = signed_bytes(data.TYPE, subject, "/cli", id_, encode_payload(data)[0]) if signed is None else signed
        proof = Provenance(subject, "/cli", id_, key.key_id, key.sign(text), b64encode(text).decode())
        return data.model_copy(update={"provenance": proof})

    def report(self, data: D, hand: str = "", *, stage: str = "", command: str = "") -> list[Emit]:
        """A hand reports on the last command of an action, as intake passes it on; return what the governor says to it.

        What answers no command that is open is refused, and says nothing.

        Args:
            data: The report; its `command` is filled in.
            hand: Who signs; empty: the hand of the command.
            stage: Of the report; empty: a new one.
            command: Identity of the command; empty: the last one of the action.
        """
        action: str = data.action  # type: ignore[attr-defined]  # every report has one
        answered = (
            name
            for name, issued in reversed(self.state.issued.by_identity.items())
            if issued.action == action and not issued.is_closed and isinstance(data, ANSWERS[issued.type])
        )
        named = command or next(answered, "c#1.0")
        if "command" in type(data).model_fields:
            data = data.model_copy(update={"command": named})
        issued = self.state.issued.by_identity.get(named)
        signer = hand or (issued.hand if issued else "rollout_actuator")
        subject = getattr(data, "model", None) or data.family  # type: ignore[attr-defined]  # as above
        signed = self.signed(data, signer, subject=subject, id_=f"{named}#{stage or self.offset}")
        try:
            emits = self.tell(signed, subject=scope_of(subject))
        except Reject as reject:
            if reject.reason not in ("command_unknown", "command_closed"):
                raise
            return []
        return [emit for emit in emits if emit.data != signed]

    def law(self, data: Data, name: str = "root", *, subject: str = "*") -> list[Emit]:
        """A person asks; without a name nobody has signed."""
        asked = self.signed(data, name, subject=subject) if name else data
        return self.tell(asked, subject=subject)

    def register(self, model: str = MODEL, family: str = "cameras", tier: str = "low") -> list[Emit]:
        """Make a model known, serving v0."""
        data = ModelRegistered.model_validate(
            {"family": family, "champion": "v0", "artifact": DIGEST["v0"], "model": model, "tier": tier}
        )
        return self.tell(data)

    def propose(self, **changes: Any) -> tuple[str, list[Emit]]:
        """The learner wants a retrain; return the action's id and what came of it."""
        emits = self.tell(proposal(**changes))
        return f"{LEARNER}#{self.offset}.0", emits

    def ask(self, data: Data, name: str = "olga") -> tuple[str, list[Emit]]:
        """A person wants an action."""
        emits = self.tell(self.signed(data, name))
        return f"{LEARNER}#{self.offset}.0", emits

    def train(self, action: str, *arms: str, failed: Sequence[str] = (), seconds: float = 2.0) -> list[Emit]:
        """Every arm reports; return what the last report led to."""
        emits: list[Emit] = []
        for arm in (*arms, *failed):
            is_good = arm not in failed
            report = CandidateTrained.model_validate(
                about(action, "retrain")
                | {
                    "arm": arm,
                    "version": f"{arm}-1" if is_good else None,
                    "artifact": DIGEST[arm] if is_good else None,
                    "seconds": seconds,
                }
            )
            emits = self.report(report)
        return emits

    def judge(self, action: str, judgement: str, step: int = 0) -> list[Emit]:
        """The evaluator speaks."""
        data = {"action": action, "model": MODEL, "version": "warm-1", "step": step, "judgement": judgement}
        numbers = dict.fromkeys(("log2_e_worse", "log2_e_better", "canary_error", "champion_error", "alpha"), 0.0)
        counts = dict.fromkeys(("n_labels", "n_discordant", "exposed"), 0)
        return self.tell(CanaryJudged.model_validate(data | numbers | counts))

    def apply(self, command: Rollout, verb: str) -> list[Emit]:
        """The rollout hand reports what it has set."""
        state = Rollout.model_validate({name: value for name, value in command if name != "provenance"})
        named = self.name_of(command)
        if verb == "revert":
            reverted = about(command.action, "rollout") | {"rollout": state}
            return self.report(ActionReverted.model_validate(reverted), command=named, stage="reverted")
        report = about(command.action, "rollout") | {"rollout": state, "rollout_verb": verb}
        return self.report(ActionApplied.model_validate(report), command=named, stage="applied")

    def fail(
        self,
        action: str,
        kind: str,
        reason: str = "target_failed",
        model: str | None = MODEL,
        command: Command | None = None,
    ) -> list[Emit]:
        """A hand could not do what it was told last, or the command that is given."""
        failed = ActionFailed.model_validate(about(action, kind) | {"reason": reason, "model": model})
        return self.report(failed, command=self.name_of(command) if command is not None else "")

    def name_of(self, command: Command) -> str:
        """Identity of a command, the last one if the same was given twice."""
        return next(name for name, given in reversed(self.commands) if given == command)

    def settle(self, action: str, state: str = "promoted", kind: str = "retrain", **changes: Any) -> list[Emit]:
        """The outcome is measured."""
        data = {"action": action, "kind": kind, "state": state, "model": MODEL} | changes
        return self.tell(ActionSettled.model_validate(data))

    def tick(self, to: int) -> list[Emit]:
        """Time passes."""
        self.now = to
        return self.tell(ClockTicked(due=to), subject="*")

    def roll(self, action: str | None = None) -> str:
        """Take an action up to the canary's first step."""
        id_ = action or self.propose()[0]
        self.apply(one(self.train(id_, "warm", "head"), Rollout), "set")
        return id_


def about(action: str, kind: str) -> dict[str, Any]:
    """What every report says."""
    return {"action": action, "command": "c", "kind": kind, "family": FAMILY, "model": MODEL}


WINDOW = Range(log="l", subject=MODEL, source="/s", first="1.0", last="2.0", from_time=0, rows=80)
OF_KIND: dict[str, dict[str, Any]] = {
    "retrain": {},
    "rollout": {"candidates": (Candidate(arm="warm", version="w", artifact="a" * 64),)},
    "threshold": {"band": Band(signal="u", rate=0.01, low=0.0, high=1.0, eta=0.5)},
    "meta_training": {
        "model": None,
        "meta_training": MetaTraining(window=WINDOW.model_copy(update={"subject": FAMILY})),
    },
}
"""What an action of the kind needs beside what all have."""


def proposal(kind: str = "retrain", **changes: Any) -> ActionProposed:
    """A retrain of two arms, one of them a shadow; or another kind with as much of that as it may have."""
    fields: dict[str, Any] = {
        "kind": kind,
        "family": FAMILY,
        "model": MODEL,
        "champion": "v0",
        "chosen": "warm",
        "arms": (Arm(name="head"), Arm(name="skip"), Arm(name="warm")),
        "shadows": ("head",),
        "window": WINDOW,
        "plan": Plan(steps=(0.1, 0.5)),
        "money": 5.0,
        "slots": 1,
    }
    return ActionProposed.model_validate(fields | OF_KIND[kind] | changes)


def verdict(emits: Sequence[Emit]) -> VerdictGiven:
    """The verdict, which users and the family hear alike."""
    public, family = [emit for emit in emits if isinstance(emit.data, VerdictGiven)]
    assert (public.log, public.subject) == (VERDICTS, SCOPE)
    assert (family.log, family.subject) == (EXPERIENCE, FAMILY)
    assert public.data == family.data
    assert isinstance(public.data, VerdictGiven)
    return public.data


def money(court: GovernorDriver) -> tuple[float, float]:
    """What is reserved and what is spent."""
    budget = court.state.budgets.by_scope[SCOPE]
    return round(budget.reserved, 9), round(budget.spent, 9)
