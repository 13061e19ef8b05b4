"""The catalogue: every metric that a host or a hand shows, as data. Documents and dashboards are tested against it.

Names follow https://prometheus.io/docs/practices/naming: base units, `_total`, `_ratio` in [0, 1]. Labels
are closed sets (folds, logs, reasons) or what a person has registered (scopes, models); never an id of an
action or a request: those go into exemplars and traces.
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


@dataclass(frozen=True, slots=True)
class Histogram(Metric):
    """Counts by size.

    Args:
        buckets: Upper bounds, rising.
    """

    buckets: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


BUILD: Final = Gauge("homeostat_build_info", "Always 1; the labels say what runs.", ("service", "version"))

# -- hosts of folds; a process that has halted is not there to say so: `up` is what shows it --------
RECORDS_FOLDED: Final = Counter("homeostat_records_folded_total", "Records folded in.", ("fold",))
RECORDS_REFUSED: Final = Counter(
    "homeostat_records_refused_total", "Records sent to quarantine, by reason code.", ("fold", "reason")
)
RECORDS_DROPPED: Final = Counter(
    "homeostat_records_dropped_total", "Duplicates: records whose sequence had been folded before.", ("fold",)
)
OUTPUTS: Final = Counter(
    "homeostat_outputs_total",
    "Records written to the logs, by event type: what was detected and decided.",
    ("fold", "type"),
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
    "Commands closed: done (its last report was sent) or refused (signature, expiry).",
    ("hand", "outcome"),
)
BRAKE: Final = Gauge("homeostat_brake", "1 while a hand holds the brake for a scope.", ("hand", "scope"))
REPORTS: Final = Counter("homeostat_reports_total", "Reports sent, by event type.", ("hand", "type"))
ALERT_SIGNAL: Final = Gauge("homeostat_alert_signal", "A tracked signal, newest value.", ("scope", "model", "signal"))
ALERT_THRESHOLD: Final = Gauge(
    "homeostat_alert_threshold",
    "Tracked threshold; compare with `homeostat_alert_signal > on (scope, model, signal) homeostat_alert_threshold`.",
    ("scope", "model", "signal"),
)

# -- the feature store, a cache: shown by whoever fills it, if anybody does -------------------
META_FEATURES_MODELS: Final = Gauge("homeostat_meta_features_models", "Models whose meta-features the store holds.")
META_FEATURES_AGE_SECONDS: Final = Gauge(
    "homeostat_meta_features_age_seconds", "Age of the oldest meta-features that the store serves of any model."
)

CATALOGUE: Final[tuple[Metric, ...]] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
