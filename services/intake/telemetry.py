"""The telemetry door: what production shows of one model becomes its trusted history."""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
from msgspec.structs import replace

from homeostat.admission.answers import check_label_answers
from homeostat.admission.checks import check_telemetry
from homeostat.admission.contract import Checks, check_succession
from homeostat.admission.redaction import Redaction
from homeostat.admission.refusing import refused
from homeostat.admission.salt import NO_SALT, Salt
from homeostat.admission.screening import screened, screened_rows
from homeostat.codec import Record
from homeostat.core import Emit, Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import (
    Answer,
    Data,
    DeploymentObserved,
    EventRefused,
    IndicatorComputed,
    Labels,
    ModelRegistered,
    Samples,
    SignalObserved,
)
from homeostat.events.columns import f8
from homeostat.events.history import is_history
from homeostat.events.logs import GOVERNANCE, INDICATORS, QUARANTINE, TELEMETRY, TIMELINE
from homeostat.services.intake.blocks import Blocks
from homeostat.services.intake.door import Door
from homeostat.services.intake.joining import Bounds, Match
from homeostat.services.intake.learning import Learning
from homeostat.services.intake.provenance import (
    columns_with_provenance,
    unsigned,
    with_proven_provenance,
    with_provenance,
)
from homeostat.services.intake.settings import Settings
from homeostat.services.intake.state import TelemetryState

_ROWS: Final = (Samples.TYPE.encode(), Labels.TYPE.encode())
_NAMED: Final = 5
"""Request ids that a refusal quotes."""

_QUOTED: Final = 64
"""Characters of each: what cannot be printed takes several."""


class TelemetryIntake(Door[TelemetryState]):
    """Checks samples against the model's contract, joins late labels, passes the rest on."""

    def __init__(self, settings: Settings | None = None, salt: Salt = NO_SALT) -> None:
        super().__init__("intake.telemetry", TELEMETRY, settings, salt)
        self._checks = Checks()

    def admit(self, state: TelemetryState, event: Event) -> tuple[Emit, ...]:
        """Admit an observation.

        Raises:
            Reject: `subject_invalid`, `subject_mismatch`, `contract_invalid`, `contract_changed`, `contract_outdated`,
                `contract_skipped`, `contract_mismatch`, `family_changed`, `model_unregistered`, `payload_invalid`,
                `feature_unknown`, `feature_missing`, `version_unknown`, `class_unknown`, `out_of_range`,
                `personal_data`, `inputs_invalid`, `label_unmatched`, `deployment_rate`, `registration_rate`,
                `signature_invalid`.
        """
        data = event.data
        check_telemetry(event.subject, data, self.settings.request_length)
        if isinstance(data, ModelRegistered):
            return self._register(state, event, data)
        contract = state.contract
        if contract is None:
            raise Reject("model_unregistered", f"{event.subject} is not known: publish model.registered first")
        if isinstance(data, Samples):
            return self._observe(state, event, data, contract)
        if isinstance(data, Labels):
            return self._label(state, event, data, contract)
        assert isinstance(data, Data)
        named = tuple[str, ...]()
        if isinstance(data, SignalObserved):
            data, named = self._without_personal(data, contract)
        data, found = screened(data, self._digest_of(event))
        if isinstance(data, DeploymentObserved):
            return self._deployed(state, event, data, found)
        return self.pass_on(event, with_proven_provenance(data, event, named + found))

    def check_known(self, state: TelemetryState | None, record: Record, now: int, *, is_flooded: bool) -> None:
        """See `Glances`: rows of a model that nobody registered are not read, where nobody reads why.

        Raises:
            Reject: `model_unregistered`.
        """
        if is_flooded and state is None and any(name == "ce_type" and value in _ROWS for name, value in record.headers):
            raise Reject("model_unregistered", "publish model.registered first")

    def _deployed(
        self, state: TelemetryState, event: Event, data: DeploymentObserved, redacted: tuple[str, ...]
    ) -> tuple[Emit, ...]:
        """Pass a deployment on to the law only: the governor says whether it counts, and then for everybody.

        One of the past changes nothing now, and goes no further.
        """
        named = data.model_copy(update={"model": event.subject, "is_noticed": False})
        admitted = with_provenance(named, event, redacted)  # whose signature it is, the governor says
        if is_history(admitted):
            self.count("deployment_past")
            return ()
        if not state.deployments.admit(data.version, event.time, self.settings.deployments_per_hour):
            self.count("deployment_repeated")
            return ()
        state.versions.announce(data.version)
        return self.pass_on(event, admitted)

    def _digest_of(self, event: Event) -> Callable[[str], str]:
        return partial(self.salt.digest, scope_of(event.subject))

    def _register(self, state: TelemetryState, event: Event, model: ModelRegistered) -> tuple[Emit, ...]:
        model, redacted = screened(model, self._digest_of(event))
        model = check_succession(model, state.contract)
        admitted = with_proven_provenance(model, event, redacted)
        if not state.registrations.admit(model, state.contract, event.time):
            self.count("registration_repeated")
            return ()
        emits = self._registered(event, admitted)
        if not state.registrations.is_news(admitted, state.contract, event.time):
            emits = tuple(emit for emit in emits if emit.log != GOVERNANCE)
        if model.learned_rows is None:
            state.learning = Learning()
        state.contract = model
        state.versions.announce(model.champion)
        return emits

    def _registered(self, event: Event, model: ModelRegistered) -> tuple[Emit, ...]:
        """A registration on its way to the model, its family and the law."""
        admitted = model.model_copy(update={"model": event.subject})
        return self.pass_on(event, admitted, f"{scope_of(event.subject)}/{model.family}")

    def _observe(
        self, state: TelemetryState, event: Event, samples: Samples, contract: ModelRegistered
    ) -> tuple[Emit, ...]:
        samples, found = screened_rows(samples, contract.on_personal, self._request_id_of(event))
        is_known = state.versions.check(contract, samples.version)
        check = self._checks.of(event.subject, contract, samples.features)
        samples = columns_with_provenance(check.admit(samples), event, check.redacted + found)
        learned = None if contract.features else state.learning.learn(samples, contract, self.settings.learn_rows)
        self.count("redacted", check.n_personal * samples.n_rows)
        is_past = is_history(samples)
        if not is_past:  # labels of the past bring the answers
            state.join.remember(samples, event.time, self._bounds(contract))
        emits = [Emit(TIMELINE, samples)]
        if learned is not None:  # behind the rows that it was learned from
            state.contract = learned
            emits += self._registered(event, learned.model_copy(update={"provenance": unsigned(event)}))
        if is_past:
            return tuple(emits)
        if not is_known and samples.role == "champion":
            self.count("version_unannounced")
            emits.append(Emit(INDICATORS, _unannounced(event.subject, samples)))
        state.versions.announce(samples.version)
        return tuple(emits)

    def _request_id_of(self, event: Event) -> Callable[[str], str]:
        return partial(self.salt.request_id, event.subject)

    def _bounds(self, contract: ModelRegistered) -> Bounds:
        """How long and how much is remembered of a model."""
        window, memory = contract.label_window_seconds, contract.label_memory_mib
        return Bounds(
            window_ms=self.settings.join_window_ms if window is None else round(1000 * window),
            memory_bytes=self.settings.join_memory_bytes if memory is None else memory * 2**20,
            block_rows=self.settings.join_block_rows,
            versions=self.settings.join_versions,
        )

    def _label(
        self, state: TelemetryState, event: Event, labels: Labels, contract: ModelRegistered
    ) -> tuple[Emit, ...]:
        labels, redacted = screened_rows(labels, contract.on_personal, self._request_id_of(event))
        check_label_answers(labels, contract)
        for answer in labels.answers:
            state.versions.check(contract, answer.version)
        labels = columns_with_provenance(labels, event, redacted)
        bounds, has_answers = self._bounds(contract), bool(labels.answers)
        match = (state.join.fresh if has_answers else state.join.match)(labels, event.time, bounds)
        if match.unmatched and len(match.unmatched) == labels.n_rows:
            raise Reject("label_unmatched", _unmatched(labels, match, bounds))
        self.count("label_repeated", match.n_repeated)
        self.count("label_unmatched", len(match.unmatched))
        self.count("label_unsampled", match.n_unsampled)
        emits = []
        if match.rows:
            answers, lag = _own(labels, match) if has_answers else match.answers(labels, bounds.versions)
            joined = replace(
                labels,
                request=[labels.request[row] for row in match.rows],
                label=f8(labels.label)[match.rows].tobytes(),
                time=f8(labels.time)[match.rows].tobytes(),
                answers=answers,
                lag_seconds=lag,
            )
            emits.append(Emit(TIMELINE, joined))
            state.join.take(labels, match, event.time, bounds)
        if match.unmatched:
            emits.append(Emit(QUARANTINE, self._refused(event, _unmatched(labels, match, bounds), contract)))
        return tuple(emits)

    def pieces(self, state: TelemetryState) -> Blocks:
        """What a snapshot stores once."""
        return state.join.blocks

    def _refused(self, event: Event, detail: str, contract: ModelRegistered) -> EventRefused:
        """Describe an event of which only a part was joined.

        Its id is another one than the admitted event's: put back, it is not a duplicate, and its rows
        that were joined are dropped as repeated labels. So the signature, which covers the id, is gone.
        """
        is_json = event.content[:1] in (b"{", b" ", b"\n", b"\r", b"\t")
        return refused(
            event,
            "label_unmatched",
            detail,
            self.name,
            id_=f"{event.id}.unmatched",
            content_type="application/json" if is_json else "application/msgpack",
            redaction=Redaction(scope_of(event.subject), contract.personal_features, self.salt),
        )

    def _without_personal(
        self, signal: SignalObserved, contract: ModelRegistered
    ) -> tuple[SignalObserved, tuple[str, ...]]:
        """Apply the contract's personal names to the attributes of a signal."""
        personal = [name for name in signal.attributes if name in contract.personal_features]
        if not personal:
            return signal, ()
        if contract.on_personal == "refuse":
            raise Reject("personal_data", f"attribute {personal[0]} is personal and must not be sent")
        self.count("redacted", len(personal))
        kept = {name: value for name, value in signal.attributes.items() if name not in personal}
        notes = tuple(f"attributes.{name}: personal_features" for name in personal)
        return signal.model_copy(update={"attributes": kept}), notes

    def personal_names(self, state: TelemetryState) -> tuple[str, ...]:
        """As the contract of the model says."""
        return () if state.contract is None else state.contract.personal_features

    def state_type(self) -> type[TelemetryState]:
        """Deduplication, contract, join."""
        return TelemetryState


def _own(labels: Labels, match: Match) -> tuple[list[Answer], bytes]:
    """The answers that labels bring, and the lag they tell, of the rows that go on."""
    answers = [
        Answer(a.version, a.role, f8(a.prediction)[match.rows].tobytes(), f8(a.score)[match.rows].tobytes())
        for a in sorted(labels.answers, key=lambda a: (a.role, a.version))
    ]
    lag = f8(labels.lag_seconds)[match.rows] if labels.lag_seconds else np.full(len(match.rows), np.nan)
    return answers, lag.tobytes()


def _unmatched(labels: Labels, match: Match, bounds: Bounds) -> str:
    """Say which labels nobody was asked for."""
    named = ", ".join(repr(labels.request[row])[:_QUOTED] for row in match.unmatched[:_NAMED])
    return (
        f"{len(match.unmatched)} of {labels.n_rows} labels have no answer of the model in the last "
        f"{bounds.window_ms / 3_600_000:.4g} h: {named}{', …' if len(match.unmatched) > _NAMED else ''}"
    )


def _unannounced(model: str, samples: Samples) -> IndicatorComputed:
    """Say that a version answers as champion that nobody registered, deployed or tried as a candidate."""
    return IndicatorComputed(
        model=model, name="version_unannounced", value=1.0, n=samples.n_rows, version=samples.version
    )
