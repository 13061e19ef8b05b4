"""One action of a policy: when, why, what it would have gained and cost, and where that is written."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from homeostat_tools.value.intervals import Estimate

Basis = Literal["measured", "estimated", "none"]
"""Of a gain. measured: recorded, old and new version on the same rows. estimated: by a stand-in on recorded rows."""

NOT_KNOWN: Final = Estimate(0.0, 0.0, 0.0, 0, unknown="nothing was trained")


@dataclass(slots=True)
class Action:
    """What one policy did, or would have done, at one time.

    Args:
        policy: Whose.
        seconds: When, since the epoch.
        why: What led to it: an alarm, a drift, the calendar.
        what: What was done or proposed.
        verdict: Of the rules: `approved`, `denied`, `held`, `expired`; empty where no rules were asked.
        rules: What failing rules said.
        state: How it ended: `promoted`, `aborted`, `skipped`, `failed`, `expired`, `open`.
        gain: Errors avoided per labelled row, against leaving what served in place.
        basis: Of the gain.
        served: Whether it changed what serves.
        row: First row that it served, or would have; -1 where it lies outside of the rows.
        until: Row after the last that its gain is counted over.
        n_trained: Trainings that it took.
        cost: Of them, in the currency of the report.
        expected: What was predicted of it, as said then; empty where nothing was.
        trace: Where it is written: identities, logs, offsets, rows.
        commands: That show more.
    """

    policy: str
    seconds: float
    why: str
    what: str
    verdict: str = ""
    rules: str = ""
    state: str = "promoted"
    gain: Estimate = NOT_KNOWN
    basis: Basis = "none"
    served: bool = True
    row: int = -1
    until: int = -1
    n_trained: int = 0
    cost: float = 0.0
    expected: str = ""
    trace: dict[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()

    @property
    def judgement(self) -> str:
        """`gain`, `loss` or `cannot tell`; of what did not serve, what it would have been."""
        return self.gain.judgement

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "policy": self.policy,
            "seconds": self.seconds,
            "why": self.why,
            "what": self.what,
            "verdict": self.verdict or None,
            "rules": self.rules or None,
            "state": self.state,
            "served": self.served,
            "judgement": self.judgement,
            "cannot_tell": self.gain.reason or None,
            "gain": self.gain.mean,
            "gain_low": self.gain.low,
            "gain_high": self.gain.high,
            "n_labels": self.gain.n,
            "basis": self.basis,
            "row": self.row,
            "until": self.until,
            "trainings": self.n_trained,
            "cost": self.cost,
            "expected": self.expected or None,
            "trace": self.trace,
            "commands": list(self.commands),
        }
