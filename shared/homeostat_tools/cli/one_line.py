"""One line about an event: what a person looks for first."""

from typing import Any, Final

from homeostat.core import Payload
from homeostat.events import Labels, Samples
from homeostat.events.columns import f8
from homeostat.events.series import attributes_text, series_of

_COLOURS: Final = {
    "drift": "yellow",
    "action": "cyan",
    "verdict": "magenta",
    "canary": "blue",
    "candidate": "blue",
    "rollout": "green",
    "retrain": "green",
    "threshold": "green",
    "meta-training": "green",
    "brake": "red",
    "freeze": "red",
    "event": "red",
    "outcome": "bold green",
    "samples": "dim",
    "labels": "dim",
    "indicator": "dim",
    "log": "dim",
    "checkpoint": "dim",
    "clock": "dim",
}
_HIDDEN: Final = (
    "provenance",
    "model",
    "family",
    "action",
    "command",
    "kind",
    "verdict",
    "rules_version",
    "expires_at",
    "public_key",
    "value",
    "headers",
    "key",
    "topic_id",
    "digest",
    "previous",
)
_N_FIELDS: Final = 5
_FIELD_LENGTH: Final = 40


def colour(name: str) -> str:
    """Colour of a short type."""
    return _COLOURS.get(name.partition(".")[0], "default")


def summary(data: Payload) -> str:
    """What matters of a payload, in one line of plain text."""
    if isinstance(data, Samples):
        labelled = int((~_is_nan(data.label)).sum()) if data.label else 0
        return f"{data.version} ({data.role}): {data.n_rows} rows, {labelled} labelled"
    if isinstance(data, Labels):
        return f"{data.n_rows} labels for {len(data.answers)} versions" if data.answers else f"{data.n_rows} labels"
    own = _OWN.get(data.TYPE.removeprefix("homeostat.").rsplit(".v", 1)[0])
    return own(data) if own is not None else _fields(data)


def _is_nan(column: bytes) -> Any:
    values = f8(column)
    return values != values


def _fields(data: Any) -> str:
    """The first few fields that say something."""
    parts = []
    for name in type(data).model_fields:
        value = getattr(data, name)
        if name in _HIDDEN or value in (None, "", (), {}, False):
            continue
        text = f"{value:g}" if isinstance(value, float) else str(value)
        parts.append(f"{name}={text if len(text) <= _FIELD_LENGTH else text[: _FIELD_LENGTH - 1] + '…'}")
    return " ".join(parts[:_N_FIELDS])


def _drift(data: Any) -> str:
    rates = f", error {data.error_before:.1%} → {data.error_after:.1%}" if data.error_after is not None else ""
    return f"{data.kind} drift by {data.detector}, magnitude {data.magnitude:.3g}{rates}"


def _proposal(data: Any) -> str:
    arm = next((a for a in data.arms if a.name == data.chosen), None)
    expected = f", expects {arm.predicted_gain:+.4g} [{arm.gain_low:.4g}, {arm.gain_high:.4g}]" if arm else ""
    chance = f" p={arm.propensity:.2f}" if arm else ""
    if data.chosen == "skip" and not data.shadows and data.reason:
        return f"{data.kind}: skip, {data.reason}"
    return f"{data.kind}: {data.chosen}{chance} of {len(data.arms)} arms{expected}"


def _verdict(data: Any) -> str:
    failing = "; ".join(f"{rule.rule}: {rule.reason}" for rule in data.rules if not rule.passed)
    return f"{data.verdict} {data.kind}" + (f" ({failing})" if failing else f", {len(data.rules)} rules passed")


def _rollout(data: Any) -> str:
    canary = f"canary {data.canary} at {data.weight:.0%}" if data.canary else f"{data.champion} alone"
    shadows = len([c for c in data.candidates if c.version not in (data.canary, data.champion)])
    is_held_back = bool(data.candidates) and data.reference != data.champion
    held_back = f", {data.reference} held back" if is_held_back else ""
    return canary + (f", {shadows} shadows" if shadows else "") + held_back


def _judged(data: Any) -> str:
    return (
        f"{data.judgement} at step {data.step}: errors {data.canary_error:.1%} against {data.champion_error:.1%} "
        f"over {data.n_labels} labels, {data.exposed} exposed"
    )


def _outcome(data: Any) -> str:
    return (
        f"{data.state}, {data.verdict}: {data.gain:+.4g} [{data.gain_low:.4g}, {data.gain_high:.4g}] "
        f"per row by {data.arm}, cost {data.cost:g}{_money(data)}"
    )


def _money(data: Any) -> str:
    spent = f", {'billed' if data.is_billed else 'spent'} {data.money:.4g} {data.currency}" if data.money else ""
    return spent + (f", worth {data.reward.total:+.4g} {data.currency}" if data.reward else "")


def _trained(data: Any) -> str:
    return f"{data.arm} failed: {data.error}" if data.version is None else f"{data.version} in {data.seconds:.2f} s"


def _evaluated(data: Any) -> str:
    role = "canary" if data.was_canary else "shadow"
    return f"{data.arm} ({role}): {data.payoff:+.4g} ± {data.standard_error:.2g} over {data.n_labels} rows"


def _refused(data: Any) -> str:
    return f"{data.reason}: {data.detail} [{data.service} at {data.log}[{data.partition}] {data.offset}]"


def _settled(data: Any) -> str:
    cost = "" if data.cost is None else f", cost {data.cost:g}"
    return f"{data.state}{cost}, gain {data.gain:+.4g}"


def _moved(data: Any) -> str:
    series = series_of(data.signal, data.layer, data.attributes)
    place = " ".join(filter(None, (series.layer, attributes_text(series.attributes))))
    alert = ", alert" if data.is_alert else ""
    of_place = f" ({place})" if place else ""
    return f"{data.signal}{of_place}, {data.operating_point}: {data.value:.4g} against {data.threshold:.4g}{alert}"


_OWN: Final[dict[str, Any]] = {
    "drift.detected": _drift,
    "action.proposed": _proposal,
    "action.requested": _proposal,
    "verdict.given": _verdict,
    "rollout.set": _rollout,
    "rollout.promote": _rollout,
    "rollout.abort": _rollout,
    "rollout.revert": _rollout,
    "canary.judged": _judged,
    "outcome.measured": _outcome,
    "outcome.revised": _outcome,
    "candidate.trained": _trained,
    "candidate.evaluated": _evaluated,
    "event.refused": _refused,
    "action.settled": _settled,
    "threshold.moved": _moved,
}
