"""The telemetry door: what production shows of one model becomes its trusted history."""

from base64 import b64encode
from typing import Final

from homeostat.core import Emit, Event, Reject
from homeostat.events import (
    Data,
    DeploymentObserved,
    EventRefused,
    Labels,
    ModelRegistered,
    Samples,
    SignalObserved,
)
from homeostat.events.columns import f8
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, QUARANTINE, TELEMETRY, TIMELINE
from intake.contract import Check, check_model, check_of
from intake.door import Door
from intake.joining import Match
from intake.provenance import columns_with_provenance, scope_of, with_provenance
from intake.ranges import check_labels_ranges
from intake.settings import Settings
from intake.state import TelemetryState
from intake.subjects import check_pair

_NAMED: Final = 5
"""Request ids that a refusal quotes."""

_QUOTED: Final = 64
"""Characters of each: what cannot be printed takes several."""

_CACHED: Final = 20_000
"""Laid-out contracts kept at a time."""


class TelemetryIntake(Door[TelemetryState]):
    """Checks samples against the model's contract, joins late labels, passes the rest on."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__("intake.telemetry", TELEMETRY, settings)
        self._checks: dict[str, Check] = {}  # made from the state alone, so that it may be lost at any time

    def admit(self, state: TelemetryState, event: Event) -> tuple[Emit, ...]:
        """Admit an observation.

        Raises:
            Reject: `subject_invalid`, `subject_mismatch`, `contract_invalid`, `family_changed`, `model_unregistered`,
                `payload_invalid`, `feature_unknown`, `feature_missing`, `out_of_range`, `personal_data`,
                `inputs_invalid`, `label_unmatched`.
        """
        data = event.data
        if isinstance(data, ModelRegistered):
            return self._register(state, event, data)
        contract = state.contract
        if contract is None:
            raise Reject("model_unregistered", f"{event.subject} is not known: publish model.registered first")
        if isinstance(data, Samples):
            return self._observe(state, event, data, contract)
        if isinstance(data, Labels):
            return self._label(state, event, data)
        if isinstance(data, SignalObserved):
            data = _without_personal(state, data, contract)
        assert isinstance(data, Data)
        admitted = with_provenance(data, event)
        if isinstance(data, DeploymentObserved):
            return (Emit(TIMELINE, admitted), Emit(GOVERNANCE, admitted, subject=scope_of(event.subject)))
        return (Emit(TIMELINE, admitted),)

    def _register(self, state: TelemetryState, event: Event, model: ModelRegistered) -> tuple[Emit, ...]:
        check_pair(event.subject, "scope/model")
        if model.model not in (None, event.subject):
            raise Reject("subject_mismatch", f"the key {event.subject!r} is the model, not {model.model!r}")
        check_model(model, state.contract)
        scope, named = scope_of(event.subject), model.model_copy(update={"model": event.subject})
        admitted = with_provenance(named, event)
        state.contract = model
        return (
            Emit(TIMELINE, admitted),
            Emit(EXPERIENCE, admitted, subject=f"{scope}/{model.family}"),
            Emit(GOVERNANCE, admitted, subject=scope),
        )

    def _observe(
        self, state: TelemetryState, event: Event, samples: Samples, contract: ModelRegistered
    ) -> tuple[Emit, ...]:
        check = self._check(event.subject, contract, samples.features)
        limit = self.settings.request_length
        if len(max(samples.request, key=len)) > limit or "" in samples.request:
            raise Reject("payload_invalid", f"a request id has 1 to {limit} characters")
        samples = check.admit(samples)
        state.n_redacted += check.n_personal * samples.n_rows
        state.answers.remember(samples, self.settings)
        return (Emit(TIMELINE, columns_with_provenance(samples, event)),)

    def _check(self, subject: str, contract: ModelRegistered, features: list[str]) -> Check:
        check = self._checks.get(subject)
        if check is None or check.contract is not contract or check.sent != features:
            check = check_of(contract, features)
            if len(self._checks) >= _CACHED:
                self._checks.clear()
            self._checks[subject] = check
        return check

    def _label(self, state: TelemetryState, event: Event, labels: Labels) -> tuple[Emit, ...]:
        check_labels_ranges(labels)
        window = self.settings.join_requests
        match = state.answers.match(labels, window)
        if match.unmatched and not (match.rows or match.n_repeated):
            raise Reject("label_unmatched", _unmatched(labels, match, window))
        state.n_repeated_labels += match.n_repeated
        state.n_unmatched_labels += len(match.unmatched)
        emits = []
        if match.rows:
            answers, lag = state.answers.join(labels, match, window)
            joined = columns_with_provenance(
                labels,
                event,
                request=[labels.request[row] for row in match.rows],
                label=f8(labels.label)[match.rows].tobytes(),
                time=f8(labels.time)[match.rows].tobytes(),
                answers=answers,
                lag_seconds=lag,
            )
            emits.append(Emit(TIMELINE, joined))
        if match.unmatched:
            emits.append(Emit(QUARANTINE, self._refused(event, _unmatched(labels, match, window))))
        return tuple(emits)

    def _refused(self, event: Event, detail: str) -> EventRefused:
        """Describe an event of which only a part was joined.

        Its id is another one than the admitted event's: put back, it is not a duplicate, and its rows
        that were joined are dropped as repeated labels. So the signature, which covers the id, is gone.
        """
        is_json = event.content[:1] in (b"{", b" ", b"\n", b"\r", b"\t")
        headers = {
            "ce_specversion": "1.0",
            "ce_id": f"{event.id}.unmatched",
            "ce_source": event.source,
            "ce_type": event.type,
            "ce_subject": event.subject,
            "content-type": "application/json" if is_json else "application/msgpack",
        }
        return EventRefused(
            reason="label_unmatched",
            detail=detail,
            service=self.name,
            log=event.position.topic,
            partition=event.position.partition,
            offset=event.position.offset,
            key=_base64(event.subject.encode()),
            value=_base64(event.content),
            headers=tuple((name, _base64(value.encode())) for name, value in headers.items()),
        )

    def state_type(self) -> type[TelemetryState]:
        """Deduplication, contract, answers."""
        return TelemetryState


def _without_personal(state: TelemetryState, signal: SignalObserved, contract: ModelRegistered) -> SignalObserved:
    """Apply the contract's personal names to the attributes of a signal."""
    personal = [name for name in signal.attributes if name in contract.personal_features]
    if not personal:
        return signal
    if contract.on_personal == "refuse":
        raise Reject("personal_data", f"attribute {personal[0]} is personal and must not be sent")
    state.n_redacted += len(personal)
    kept = {name: value for name, value in signal.attributes.items() if name not in personal}
    return signal.model_copy(update={"attributes": kept})


def _unmatched(labels: Labels, match: Match, window: int) -> str:
    """Say which labels nobody was asked for."""
    named = ", ".join(repr(labels.request[row])[:_QUOTED] for row in match.unmatched[:_NAMED])
    return (
        f"{len(match.unmatched)} of {labels.n_rows} labels have no answer among the last {window} requests "
        f"of the model: {named}{', …' if len(match.unmatched) > _NAMED else ''}"
    )


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()
