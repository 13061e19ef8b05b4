"""What every payload shares: strictness, provenance, and the small values that recur."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}$")]
"""A scope, family, model or version: letters, digits, `_ . -`; at most 128."""

Subject = Annotated[
    str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}/[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}$")
]
"""`scope/model` or `scope/family`."""

Text = Annotated[str, StringConstraints(max_length=2000)]
Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""sha256 in hex: the address of an artifact."""

Millis = Annotated[int, Field(ge=0)]
"""Milliseconds since the epoch, UTC."""

ActionKind = Literal["retrain", "rollout", "threshold", "meta_training"]
Tier = Literal["low", "medium", "high"]
Scalar = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an admitted payload came from; put in by intake.

    Args:
        scope: Tenant the door belongs to.
        source: `ce_source` as claimed; with `scope` it is the *source* that influence is capped by.
        id: `ce_id` as claimed.
        key: Id of the key that signed it, if any.
        signature: Base64 Ed25519 signature, if any.
        signed: Base64 of the bytes that were signed, if any.
    """

    scope: str
    source: str
    id: str
    key: str | None = None
    signature: str | None = None
    signed: str | None = None


class Value(BaseModel):
    """A part of a payload: frozen, closed, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="null")


class Data(Value):
    """A payload. Subclasses set `TYPE`, their CloudEvents type."""

    TYPE: ClassVar[str]
    provenance: Provenance | None = Field(default=None, description="Set by intake; refused from outside.")


class Range(Value):
    """A closed range of one subject's history: what was trained on, replayed or proven.

    Args:
        log: Topic it lies in.
        subject: Key of the records.
        source: `ce_source` of first and last.
        first: `ce_id` of the first record.
        last: `ce_id` of the last record, included.
        from_time: Broker time of the first record, ms: where a reader starts to look.
        rows: Labelled rows in it.
    """

    log: str
    subject: str
    source: str
    first: str
    last: str
    from_time: Millis
    rows: int = Field(ge=0)


class Array(Value):
    """A tensor inside a payload, or a reference to one.

    Args:
        dtype: Element type, little-endian.
        shape: Dimensions.
        data: Base64 of the raw elements in C order; at most 64 KiB decoded.
        artifact: Digest in the artifact store, instead of `data`.
    """

    dtype: Literal["float32", "float64", "int64"]
    shape: tuple[int, ...]
    data: str | None = None
    artifact: Digest | None = None


class Arm(Value):
    """One alternative adaptation, with what was expected of it when it was chosen or not.

    Args:
        name: Name in the family's catalogue; `skip` does nothing.
        hyperparameters: Of the training.
        initial_weights: Artifact to start from; None leaves it to the arm (champion or random).
        propensity: Probability of being chosen, counted over draws after all filters.
        predicted_gain: Champion-relative payoff, in units of the family's metric.
        gain_low: Lower end of the 90 % interval.
        gain_high: Upper end.
        predicted_cost: In the currency of the budget.
    """

    name: Name
    hyperparameters: dict[str, Scalar] = Field(default_factory=dict)
    initial_weights: Digest | None = None
    propensity: Ratio = 0.0
    predicted_gain: float = 0.0
    gain_low: float = 0.0
    gain_high: float = 0.0
    predicted_cost: float = Field(default=0.0, ge=0.0)


class Band(Value):
    """Approved settings of an alert threshold and the band it may be tracked in.

    Args:
        signal: Name of the tracked signal: `uncertainty`, or the name of a `signal.observed` or `sli.observed`.
        operating_point: `rate`: alert at the stated rate, whatever the signal does; `page`: alert rarely, early and
            precisely, on what is surprising against the signal's own past.
        rate: Stated alarm rate, share of windows.
        low: Lowest threshold that may be set.
        high: Highest.
        eta: Step of the tracker, relative to the signal's spread.
    """

    signal: Name
    operating_point: Literal["page", "rate"] = "rate"
    rate: Ratio
    low: float
    high: float
    eta: float = Field(gt=0.0, le=1.0)
