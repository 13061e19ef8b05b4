"""What every payload shares: strictness, provenance, and the small values that recur."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema

from homeostat.events.bounds import LEAST, Count, Identifier, Millis, Number, Size
from homeostat.events.bounds import Scalar as Scalar  # services take it from here
from homeostat.events.fail_fast import fail_fast

Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}$")]
"""A scope, family, model or version: letters, digits, `_ . -`; at most 128."""

MaybeName = Annotated[str, StringConstraints(pattern=r"^([a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127})?$")]
"""A name, or nothing where nobody said."""

Scope = Annotated[str, StringConstraints(pattern=r"^(\*|[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127})$")]
"""A scope, or `*` for the organisation."""

Frozen = Annotated[
    str,
    StringConstraints(
        pattern=r"^(\*|[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}(/[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127})?)$",
    ),
]
"""What a freeze is about: a scope, one model of it (`scope/model`), or `*`."""

Subject = Annotated[
    str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}/[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}$")
]
"""`scope/model` or `scope/family`."""

Text = Annotated[str, StringConstraints(max_length=2000)]
Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""sha256 in hex: the address of an artifact."""

ActionKind = Literal["retrain", "rollout", "threshold", "meta_training"]
Tier = Literal["low", "medium", "high"]
TIERS: Final[tuple[Tier, ...]] = get_args(Tier)
"""From the least risk to the greatest."""

Layer = Literal[
    "edge", "network", "service", "application", "data", "iaas", "kubernetes", "serverless", "ci_cd", "observability"
]
SliLayer = Literal["latency", "business", "cost", "availability"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an admitted payload came from; put in by intake.

    Args:
        scope: Tenant the door belongs to.
        source: `ce_source` as claimed; with `scope` it is the *source* that distrust acts on.
        id: `ce_id` as claimed.
        key: Id of the key that signed it, if any.
        signature: Base64 Ed25519 signature, if any.
        signed: Base64 of the bytes that were signed, if any.
        signer: Public key, hex, that the door has verified the signature of an observation or a trace with. Whose it
            is, the keyring says: influence is capped by that.
        redacted: What was taken out of the payload and by which rule, `features.email: personal_features` or `owner: an
            e-mail address`. It has no signature then: what was signed holds what was taken out.
    """

    scope: str
    source: str
    id: str
    key: str | None = None
    signature: str | None = None
    signed: str | None = None
    signer: str | None = None
    redacted: tuple[str, ...] | None = None


class Value(BaseModel):
    """A part of a payload: frozen, closed, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="null")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Collections stop at their first error: what a stranger sends costs no more than what it weighs."""
        schema: CoreSchema = fail_fast(handler(source))
        return schema


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

    log: Identifier
    subject: Identifier
    source: Identifier
    first: Identifier
    last: Identifier
    from_time: Millis
    rows: Count


class Array(Value):
    """A tensor inside a payload, or a reference to one.

    Args:
        dtype: Element type, little-endian.
        shape: Dimensions.
        data: Base64 of the raw elements in C order; at most 64 KiB decoded.
        artifact: Digest in the artifact store, instead of `data`.
    """

    dtype: Literal["float32", "float64", "int64"]
    shape: tuple[Count, ...] = Field(max_length=8)
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
        risk: Probability that the payoff is negative.
        predicted_cost: Of the training, in the currency of the budget.
        cost_low: Lower end of the 90 % interval.
        cost_high: Upper end.
    """

    name: Name
    hyperparameters: dict[str, Scalar] = Field(default_factory=dict)
    initial_weights: Digest | None = None
    propensity: Ratio = 0.0
    predicted_gain: Number = 0.0
    gain_low: Number = 0.0
    gain_high: Number = 0.0
    risk: Ratio = 0.0
    predicted_cost: Size = 0.0
    cost_low: Size = 0.0
    cost_high: Size = 0.0


class Band(Value):
    """Approved settings of an alert threshold and the band it may be tracked in.

    It holds for every series of its signal that has its layer and its attributes, whatever others the series has; each
    has a threshold of its own. Without layer and attributes that is every series of that name. Of several bands that
    hold for a series the one counts that says most of it (layer and attributes, one each), then the later one.

    Args:
        signal: Name of the tracked signal: `uncertainty`, or the name of a `signal.observed` or `sli.observed`.
        layer: Where it is measured; None for anywhere.
        attributes: That name a place, or several; None for all.
        operating_point: `rate`: alert at the stated rate, whatever the signal does; `page`: alert rarely, early and
            precisely, on what is surprising against the signal's own past.
        rate: Stated alarm rate, share of windows.
        low: Lowest threshold that may be set.
        high: Highest.
        eta: Step of the tracker, relative to the signal's spread.
    """

    signal: Name
    layer: Layer | SliLayer | None = None
    attributes: dict[Name, Scalar] | None = Field(default=None, max_length=16)
    operating_point: Literal["page", "rate"] = "rate"
    rate: Ratio
    low: Number
    high: Number
    eta: float = Field(ge=LEAST, le=1.0)
