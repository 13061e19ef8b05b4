"""The catalogue: every metric that a host or a hand shows, as data. Documents and dashboards are tested against it.

Names follow https://prometheus.io/docs/practices/naming: base units, `_total`, `_ratio` in [0, 1]. Labels
are closed sets (folds, logs, reasons) or what a person has registered (scopes, models); never an id of an
action or a request: those go into traces.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Metric:
    """An entry of the catalogue.

    Args:
        name: Whole, with prefix, unit and `_total`.
        help: What it means, one sentence.
        labels: Names of its labels.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counter(Metric):
    """Only grows."""


@dataclass(frozen=True, slots=True)
class Gauge(Metric):
    """Goes up and down."""


BUILD: Final = Gauge("homeostat_build_info", "Always 1; the labels say what runs.", ("service", "version"))

# -- hosts of folds; a process that has halted is not there to say so: `up` is what shows it --------
RECORDS_FOLDED: Final = Counter("homeostat_records_folded_total", "Records folded in.", ("fold",))
RECORDS_REFUSED: Final = Counter(
    "homeostat_records_refused_total", "Records sent to quarantine, by reason code.", ("fold", "reason")
)
RECORDS_DROPPED: Final = Counter(
    "homeostat_records_dropped_total", "Duplicates: records whose sequence had been folded before.", ("fold",)
)
RECORDS_LEFT_OUT: Final = Counter(
    "homeostat_records_left_out_total",
    "Refused records that were counted and not kept: their source sends little else, and is sampled.",
    ("fold",),
)
DOOR_RECORDS_LOST: Final = Counter(
    "homeostat_door_records_lost_total",
    "Records of a door that nobody has read: deleted by retention, or of a batch that cannot be decompressed.",
    ("fold", "reason"),
)
DOOR_RECORDS_FORWARDED: Final = Counter(
    "homeostat_door_records_forwarded_total",
    "Records passed on to the partition of their subject: their producer hashes keys otherwise.",
    ("fold",),
)
DOOR_EVENTS: Final = Counter(
    "homeostat_door_events_total",
    "What became of events beside admission: duplicates by id, repeated, unmatched and unsampled labels, redactions.",
    ("fold", "outcome"),
)
KAFKA_FINDINGS: Final = Gauge(
    "homeostat_kafka_findings",
    "Topics that are not as they must be: see `homeostat doctor`.",
    ("check",),
)
OUTPUTS: Final = Counter(
    "homeostat_outputs_total",
    "Records written to the logs, by event type: what was detected and decided.",
    ("fold", "type"),
)
DETECTOR_BLIND: Final = Gauge(
    "homeostat_detector_blind",
    "1 while the drift detector does not watch the inputs of a model as it should, by cause.",
    ("scope", "model", "cause"),
)
TICKS: Final = Counter("homeostat_ticks_total", "clock.ticked events appended for idle subjects.", ("fold",))
LAG_RECORDS: Final = Gauge(
    "homeostat_lag_records", "Records between the position of a fold or hand and the end.", ("consumer", "log")
)
LAG_SECONDS: Final = Gauge(
    "homeostat_lag_seconds", "Age of the record that a fold processed last; 0 at the end.", ("consumer", "log")
)
PARTITIONS: Final = Gauge("homeostat_partitions", "Partitions assigned to this process.", ("consumer", "log"))
SUBJECTS: Final = Gauge("homeostat_subjects", "Subjects whose state is in memory.", ("fold",))
SNAPSHOT_BYTES: Final = Counter("homeostat_snapshot_bytes_total", "Bytes written to the snapshot log.", ("fold",))
SNAPSHOT_SECONDS: Final = Counter(
    "homeostat_snapshot_seconds_total", "Time spent writing snapshots; nothing is folded meanwhile.", ("consumer",)
)
RESTORE_SECONDS: Final = Counter(
    "homeostat_restore_seconds_total", "Time from assignments to their first step, over all of them.", ("consumer",)
)
REBALANCES: Final = Counter("homeostat_rebalances_total", "Assignments of partitions.", ("consumer",))

# -- hands ------------------------------------------------------------------------------------
TASKS_IN_FLIGHT: Final = Gauge("homeostat_tasks_in_flight", "Commands under way.", ("hand",))
COMMANDS_DONE: Final = Counter(
    "homeostat_commands_done_total",
    "Commands of the governor closed: done (its last report was sent), expired, braked, stale (a later one about its "
    "target was seen), repeated.",
    ("hand", "outcome"),
)
COMMANDS_QUARANTINED: Final = Counter(
    "homeostat_commands_quarantined_total",
    "Records of policy logs that the governor has not written: without the notary's signature, or unreadable.",
    ("hand", "reason"),
)
BRAKE: Final = Gauge("homeostat_brake", "1 while a hand holds the brake for a scope.", ("hand", "scope"))
REPORTS: Final = Counter("homeostat_reports_total", "Reports sent, by event type.", ("hand", "type"))
# -- the HTTP door ------------------------------------------------------------------------------
HTTP_REQUESTS: Final = Counter("homeostat_http_requests_total", "Requests with events that were answered.", ("status",))
HTTP_EVENTS: Final = Counter(
    "homeostat_http_events_total",
    "Events that came over HTTP: acknowledged by Kafka, or the reason why they were refused.",
    ("outcome",),
)
HTTP_DELIVERY_SECONDS: Final = Counter(
    "homeostat_http_delivery_seconds_total", "Time that requests have waited for Kafka's acknowledgement."
)
HTTP_UNACKNOWLEDGED: Final = Gauge("homeostat_http_unacknowledged_records", "Records that wait for Kafka.")
# -- the auditor --------------------------------------------------------------------------------
AUDIT_LEASE: Final = Gauge("homeostat_audit_lease", "1 while this auditor has the lease; a stand-by shows 0.")
AUDIT_LEAVES: Final = Counter("homeostat_audit_leaves_total", "Leaves that this auditor has written.")
AUDIT_TREE_SIZE: Final = Gauge("homeostat_audit_tree_size", "Leaves of the audit log, as far as it has confirmed them.")
AUDIT_LAG_RECORDS: Final = Gauge("homeostat_audit_lag_records", "Records of all logs that no written leaf covers yet.")
AUDIT_CHECKPOINT_AGE_SECONDS: Final = Gauge(
    "homeostat_audit_checkpoint_age_seconds",
    "Time since the newest checkpoint was signed and kept outside of the broker; 0 while there is nothing to sign.",
)

_SERIES: Final = ("scope", "model", "signal", "layer", "attributes")
"""Of one model at most 64, and what its bands name: the detector tracks no more."""

ALERT_SIGNAL: Final = Gauge("homeostat_alert_signal", "A tracked signal at one place, newest value.", _SERIES)
ALERT_THRESHOLD: Final = Gauge(
    "homeostat_alert_threshold",
    "Tracked threshold; compare with "
    "`homeostat_alert_signal > on (scope, model, signal, layer, attributes) homeostat_alert_threshold`.",
    _SERIES,
)

# -- the feature store, a cache: shown by whoever fills it, if anybody does -------------------
META_FEATURES_MODELS: Final = Gauge("homeostat_meta_features_models", "Models whose meta-features the store holds.")
META_FEATURES_AGE_SECONDS: Final = Gauge(
    "homeostat_meta_features_age_seconds", "Age of the oldest meta-features that the store serves of any model."
)

CATALOGUE: Final[tuple[Metric, ...]] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
