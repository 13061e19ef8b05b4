"""The catalogue: every metric there is, as data. Documents and dashboards are tested against it.

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


_STEP: Final = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
_ROWS: Final = (10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 2560.0)

BUILD: Final = Gauge("homeostat_build_info", "Always 1; the labels say what runs.", ("service", "version"))

# -- hosts of folds ---------------------------------------------------------------------------
RECORDS_FOLDED: Final = Counter("homeostat_records_folded_total", "Records folded in.", ("fold",))
RECORDS_REFUSED: Final = Counter(
    "homeostat_records_refused_total", "Records sent to quarantine, by reason code.", ("fold", "reason")
)
RECORDS_DROPPED: Final = Counter(
    "homeostat_records_dropped_total", "Duplicates: records whose sequence had been folded before.", ("fold",)
)
OUTPUTS: Final = Counter("homeostat_outputs_total", "Records written to the logs.", ("fold",))
TICKS: Final = Counter("homeostat_ticks_total", "clock.ticked events appended for idle subjects.", ("fold",))
LAG_RECORDS: Final = Gauge(
    "homeostat_lag_records", "Records between the position of a fold or hand and the end.", ("consumer", "log")
)
LAG_SECONDS: Final = Gauge(
    "homeostat_lag_seconds", "Age of the record that was processed last; 0 at the end.", ("consumer", "log")
)
PARTITIONS: Final = Gauge("homeostat_partitions", "Partitions assigned to this process.", ("consumer", "log"))
SUBJECTS: Final = Gauge("homeostat_subjects", "Subjects whose state is in memory.", ("fold",))
STEP_SECONDS: Final = Histogram("homeostat_step_seconds", "One step, with decoding.", ("fold",), _STEP)
DELIVERY_SECONDS: Final = Histogram(
    "homeostat_delivery_seconds", "From handing an output to the client to its acknowledgement.", ("fold",)
)
SNAPSHOT_BYTES: Final = Counter("homeostat_snapshot_bytes_total", "Bytes written to the snapshot log.", ("fold",))
SNAPSHOT_SECONDS: Final = Histogram("homeostat_snapshot_seconds", "Writing one snapshot, with its marker.", ("fold",))
RESTORE_SECONDS: Final = Histogram("homeostat_restore_seconds", "From assignment to the first step.", ("fold",))
REBALANCES: Final = Counter("homeostat_rebalances_total", "Assignments of partitions.", ("consumer",))
HALTS: Final = Counter("homeostat_halts_total", "Stops that need a person, by the name of the error.", ("error",))
RETRIES: Final = Counter("homeostat_retries_total", "Passing conditions, by the name of the error.", ("error",))

# -- hands ------------------------------------------------------------------------------------
TASKS_IN_FLIGHT: Final = Gauge("homeostat_tasks_in_flight", "Commands under way.", ("hand",))
COMMANDS_DONE: Final = Counter(
    "homeostat_commands_done_total",
    "Commands closed: done (its last report was sent) or refused (signature, expiry).",
    ("hand", "outcome"),
)
COMMAND_SECONDS: Final = Histogram(
    "homeostat_command_seconds", "From the command's broker time to its last report.", ("hand",)
)
SIGNATURES_REFUSED: Final = Counter(
    "homeostat_signatures_refused_total", "Commands whose signature did not verify; page on the first.", ("hand",)
)
BRAKE: Final = Gauge("homeostat_brake", "1 while a hand holds the brake for a scope.", ("hand", "scope"))
REPORTS: Final = Counter("homeostat_reports_total", "Reports sent, by event type.", ("hand", "type"))

# -- what was decided -------------------------------------------------------------------------
DRIFT_DETECTED: Final = Counter("homeostat_drift_detected_total", "drift.detected, by kind.", ("kind",))
DRIFT_DETECTION_LATENCY: Final = Histogram(
    "homeostat_drift_detection_latency_seconds", "From the estimated onset to drift.detected.", ("kind",)
)
DRIFT_DETECTION_ROWS: Final = Histogram(
    "homeostat_drift_detection_rows", "Labelled rows from the estimated onset to drift.detected.", ("kind",), _ROWS
)
DRIFT_OPEN: Final = Gauge("homeostat_drift_open", "Models with a drift that has not cleared.", ("scope",))
PROPOSALS: Final = Counter("homeostat_proposals_total", "action.proposed, by kind and chosen arm.", ("kind", "arm"))
VERDICTS: Final = Counter("homeostat_verdicts_total", "verdict.given.", ("kind", "verdict"))
RULES_FAILED: Final = Counter("homeostat_rules_failed_total", "Rules that did not pass, by rule.", ("rule",))
JUDGEMENTS: Final = Counter("homeostat_judgements_total", "canary.judged.", ("judgement",))
OUTCOMES: Final = Counter("homeostat_outcomes_total", "outcome.measured.", ("kind", "verdict"))
ACTIONS_OPEN: Final = Gauge("homeostat_actions_open", "Actions between proposal and settlement.", ("kind",))
BUDGET_LEFT: Final = Gauge("homeostat_budget_left_ratio", "Share of a budget that is not spent.", ("scope", "budget"))
FREEZE: Final = Gauge("homeostat_freeze", "1 while a scope is frozen.", ("scope",))
INDICATOR: Final = Gauge("homeostat_indicator", "indicator.computed, newest value.", ("scope", "model", "indicator"))
ALERT_SIGNAL: Final = Gauge("homeostat_alert_signal", "A tracked signal, newest value.", ("scope", "model", "signal"))
ALERT_THRESHOLD: Final = Gauge(
    "homeostat_alert_threshold",
    "Tracked threshold; compare with `homeostat_alert_signal > on (scope, model, signal) homeostat_alert_threshold`.",
    ("scope", "model", "signal"),
)

# -- learning ---------------------------------------------------------------------------------
TRAINING_SECONDS: Final = Histogram("homeostat_training_seconds", "Training of one arm.", ("arm",))
META_TRAINING_SECONDS: Final = Histogram("homeostat_meta_training_seconds", "One meta-training.", ("algorithm",))
OUTER_STEPS: Final = Counter("homeostat_outer_steps_total", "Outer-loop steps.", ("algorithm",))
WEIGHTS: Final = Counter("homeostat_weights_total", "Initial weights, published or rejected.", ("outcome",))

# -- the scoreboard: meta-M1 to meta-M10 over a sliding window --------------------------------
META_ADAPTATION: Final = Gauge(
    "homeostat_meta_adaptation_latency_seconds",
    "meta-M1: median time from drift to the threshold met again.",
    ("scope",),
)
META_GENERALISATION: Final = Gauge(
    "homeostat_meta_generalisation_ratio", "meta-M2: share of held-out tasks that meet the bar.", ("scope",)
)
META_REGRESSION: Final = Gauge(
    "homeostat_meta_regression_ratio", "meta-M3: regressions after deployment per deployment.", ("scope",)
)
META_RETRAINS: Final = Gauge("homeostat_meta_retrains_per_model_week", "meta-M4: retrain frequency.", ("scope",))
META_COST: Final = Gauge("homeostat_meta_cost_per_adaptation", "meta-M5: in the currency of the budget.", ("scope",))
META_FAILURE: Final = Gauge(
    "homeostat_meta_policy_failure_ratio", "meta-M6: share of actions that ended in a rollback.", ("scope",)
)
META_LATENCY: Final = Gauge("homeostat_meta_model_latency_seconds", "meta-M7: p95 of one decision.", ("scope",))
META_BURN: Final = Gauge(
    "homeostat_meta_burn_ratio", "meta-M8: share of the error budget burnt in windows of change.", ("scope",)
)
META_DRIFT: Final = Gauge("homeostat_meta_drifts_per_week", "meta-M9: drift events per week.", ("scope",))
META_TOIL: Final = Gauge("homeostat_meta_toil_saved_hours_per_month", "meta-M10: toil saved.", ("scope",))

# -- audit ------------------------------------------------------------------------------------
AUDIT_LEAVES: Final = Counter("homeostat_audit_leaves_total", "Leaves written to the audit log.", ("log",))
AUDIT_SIZE: Final = Gauge("homeostat_audit_checkpoint_size", "Leaves below the newest checkpoint.")
AUDIT_AGE: Final = Gauge("homeostat_audit_checkpoint_timestamp_seconds", "When the newest checkpoint was signed.")
ARTIFACT_BYTES: Final = Counter("homeostat_artifact_bytes_total", "Bytes put and got.", ("operation",))

CATALOGUE: Final[tuple[Metric, ...]] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
