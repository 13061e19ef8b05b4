"""The table of the system: every event type, the door it comes in by, who writes it where, and who reads it.

To add an event, write its class in the module of its family and one row here, then run `homeostat schemas`. The
committed schemas and the AsyncAPI document, the routing of intake, the client, the rights at the broker and
`homeostat topics --types` are read off this table (`events.routes`); tests hold it against what the services do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from homeostat.events import (
    advice,
    costs,
    drift,
    experience,
    governance,
    initial_weights,
    policy,
    proposals,
    registration,
    reports,
    requests,
    rules,
    system,
    telemetry,
    verdicts,
)
from homeostat.events.base import Data
from homeostat.events.logs import (
    AUDIT,
    EXPERIENCE,
    GOVERNANCE,
    INDICATORS,
    POLICIES,
    POLICY_META_TRAINING,
    POLICY_RETRAIN,
    POLICY_ROLLOUT,
    POLICY_THRESHOLD,
    QUARANTINE,
    REPORTS,
    REQUESTS,
    TASKS,
    TELEMETRY,
    TIMELINE,
    TRACES,
    VERDICTS,
)


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one event type.

    Args:
        type: JSON model of the payload; the hot types lie in the topics as columns (`events.COLUMNS`).
        ingress: The one topic that it may be published to from outside; None for what only Homeostat says.
        writers: Topics that each writer puts it into, in the order of its emits. A writer is a fold, by its name; a
            service that is none, by its folder; `host` (what runs them), `cli`, or `nobody` yet. Who publishes to
            an ingress topic from outside is not named, the hands and their hosts are.
        readers: Services, by their folders; `host` and `client`, who obey it; `audit`, who verifies it; `cli` and
            `people` where no service reads it; or `nobody` yet. Intake reads whatever has an ingress topic and is not
            named.
        note: Why no program reads it, or why nobody writes it.
    """

    type: type[Data]
    ingress: str | None
    writers: Mapping[str, Sequence[str]]
    readers: Sequence[str]
    note: str = ""


# fmt: off
CATALOGUE: Final[tuple[Row, ...]] = (  # type, ingress topic, {writer: topics}, [readers], note

    # What production shows of a model: door of telemetry
    Row(registration.ModelRegistered, TELEMETRY, {"intake.telemetry": [TIMELINE, EXPERIENCE, GOVERNANCE]},
        ["drift_detector", "threshold_tracker", "outcome_evaluator", "meta_learner", "governor"]),
    Row(telemetry.SamplesObserved, TELEMETRY, {"intake.telemetry": [TIMELINE]},
        ["drift_detector", "threshold_tracker", "outcome_evaluator", "retrain_actuator"]),
    Row(telemetry.LabelsObserved, TELEMETRY, {"intake.telemetry": [TIMELINE]},
        ["drift_detector", "outcome_evaluator", "retrain_actuator"]),
    Row(telemetry.DeploymentObserved, TELEMETRY,
        {"intake.telemetry": [GOVERNANCE], "drift_detector": [GOVERNANCE], "governor": [TIMELINE, EXPERIENCE]},
        ["drift_detector", "threshold_tracker", "outcome_evaluator", "meta_learner", "governor"]),
    Row(telemetry.SliObserved, TELEMETRY, {"intake.telemetry": [TIMELINE]}, ["threshold_tracker", "outcome_evaluator"]),
    Row(telemetry.SignalObserved, TELEMETRY, {"intake.telemetry": [TIMELINE]}, ["threshold_tracker"]),
    Row(costs.BillReceived, TELEMETRY, {"intake.telemetry": [TIMELINE]}, ["outcome_evaluator"]),

    # What training shows of a family: door of traces
    Row(experience.FamilyRegistered, TRACES, {"intake.traces": [EXPERIENCE]}, ["meta_learner"]),
    Row(experience.EpisodeRecorded, TRACES, {"intake.traces": [EXPERIENCE]}, ["training_advisor"]),
    Row(advice.AdviceRequested, TRACES, {"intake.traces": [EXPERIENCE]}, ["training_advisor"]),
    Row(experience.IncidentRecorded, TRACES, {"intake.traces": [EXPERIENCE]},
        ["people", "cli"], "Kept for people and for later learners."),
    Row(initial_weights.UpdateContributed, TRACES, {"intake.traces": [EXPERIENCE]},
        ["nobody"], "Federated learning of initial weights: the schema is fixed, its reader is yet to be written."),
    Row(initial_weights.TaskRecorded, TRACES, {"intake.traces": [TASKS, EXPERIENCE]}, ["meta_learner", "maml_trainer"]),

    # What people want, signed: door of requests
    Row(proposals.ActionRequested, REQUESTS, {"intake.requests": [GOVERNANCE]}, ["governor"]),
    Row(requests.RevertRequested, REQUESTS, {"intake.requests": [GOVERNANCE]}, ["governor", "audit"]),
    Row(requests.ApprovalGiven, REQUESTS, {"intake.requests": [GOVERNANCE]}, ["governor", "audit"]),
    Row(requests.ApprovalDenied, REQUESTS, {"intake.requests": [GOVERNANCE]}, ["governor", "audit"]),
    Row(requests.FreezeSet, REQUESTS, {"intake.requests": [GOVERNANCE]}, ["governor"]),
    Row(requests.FreezeLifted, REQUESTS, {"intake.requests": [GOVERNANCE]}, ["governor"]),
    Row(requests.BudgetSet, REQUESTS, {"intake.requests": [GOVERNANCE]}, ["governor"]),
    Row(rules.RulesSet, REQUESTS, {"intake.requests": [GOVERNANCE], "governor": [EXPERIENCE]},
        ["meta_learner", "training_advisor", "governor"]),
    Row(requests.ScopeConfigured, REQUESTS, {"intake.requests": [GOVERNANCE], "governor": [EXPERIENCE]},
        ["meta_learner", "governor"]),
    Row(requests.KeyRegistered, REQUESTS, {"intake.requests": [GOVERNANCE], "governor": [EXPERIENCE]},
        ["meta_learner", "governor", "audit"]),
    Row(requests.KeyRevoked, REQUESTS, {"intake.requests": [GOVERNANCE], "governor": [EXPERIENCE]},
        ["meta_learner", "governor", "audit"]),
    Row(requests.RoleGranted, REQUESTS, {"intake.requests": [GOVERNANCE]}, ["governor", "audit"]),
    Row(requests.RoleRevoked, REQUESTS, {"intake.requests": [GOVERNANCE]}, ["governor", "audit"]),
    Row(requests.ModelConfigured, REQUESTS, {"intake.requests": [GOVERNANCE]}, ["governor"]),
    Row(requests.SourceDistrusted, REQUESTS, {"intake.requests": [GOVERNANCE], "governor": [EXPERIENCE]},
        ["meta_learner", "training_advisor", "governor"]),
    Row(requests.SourceTrusted, REQUESTS, {"intake.requests": [GOVERNANCE], "governor": [EXPERIENCE]},
        ["meta_learner", "training_advisor", "governor"]),

    # What hands have done, signed: door of reports
    Row(reports.ActionApplied, REPORTS,
        {"intake.reports": [GOVERNANCE], "governor": [TIMELINE],
         "rollout_actuator": [REPORTS], "threshold_actuator": [REPORTS]},
        ["drift_detector", "threshold_tracker", "outcome_evaluator", "governor", "audit"]),
    Row(reports.ActionProgressed, REPORTS,
        {"intake.reports": [GOVERNANCE], "governor": [TIMELINE, EXPERIENCE], "maml_trainer": [REPORTS]},
        ["governor"]),
    Row(reports.ActionFailed, REPORTS,
        {"intake.reports": [GOVERNANCE], "governor": [TIMELINE], "host": [REPORTS], "maml_trainer": [REPORTS],
         "retrain_actuator": [REPORTS], "rollout_actuator": [REPORTS], "threshold_actuator": [REPORTS]},
        ["outcome_evaluator", "governor"]),
    Row(reports.ActionReverted, REPORTS,
        {"intake.reports": [GOVERNANCE], "governor": [TIMELINE], "rollout_actuator": [REPORTS]},
        ["drift_detector", "threshold_tracker", "outcome_evaluator", "governor", "audit"]),
    Row(reports.CandidateTrained, REPORTS,
        {"intake.reports": [GOVERNANCE], "governor": [TIMELINE], "retrain_actuator": [REPORTS]},
        ["outcome_evaluator", "governor", "audit"]),
    Row(reports.BrakeConfirmed, REPORTS, {"intake.reports": [GOVERNANCE], "governor": [VERDICTS], "host": [REPORTS]},
        ["governor"]),
    Row(initial_weights.WeightsPublished, REPORTS,
        {"intake.reports": [GOVERNANCE], "governor": [EXPERIENCE], "maml_trainer": [REPORTS]},
        ["meta_learner", "governor", "audit"]),
    Row(initial_weights.WeightsRejected, REPORTS,
        {"intake.reports": [GOVERNANCE], "governor": [EXPERIENCE], "maml_trainer": [REPORTS]},
        ["meta_learner", "governor"]),

    # What folds conclude: drift, outcomes, advice, initial weights
    Row(governance.FamilyObserved, None, {"intake.traces": [EXPERIENCE, GOVERNANCE]}, ["training_advisor", "governor"]),
    Row(drift.DriftDetected, None, {"drift_detector": [EXPERIENCE]}, ["meta_learner"]),
    Row(drift.EvidenceUpdated, None, {"drift_detector": [EXPERIENCE]}, ["meta_learner"]),
    Row(drift.DriftCleared, None, {"drift_detector": [EXPERIENCE]}, ["meta_learner"]),
    Row(drift.ProfileUpdated, None, {"drift_detector": [EXPERIENCE]}, ["meta_learner"]),
    Row(drift.ThresholdGraded, None, {"drift_detector": [EXPERIENCE]}, ["meta_learner"]),
    Row(experience.CandidateEvaluated, None, {"outcome_evaluator": [EXPERIENCE]}, ["meta_learner"]),
    Row(experience.OutcomeMeasured, None, {"outcome_evaluator": [EXPERIENCE]}, ["meta_learner"]),
    Row(experience.OutcomeRevised, None, {"outcome_evaluator": [EXPERIENCE]}, ["meta_learner"]),
    Row(advice.AdviceGiven, None, {"training_advisor": [INDICATORS]}, ["people"], "The training job that asked."),
    Row(initial_weights.WeightsWithdrawn, None, {"meta_learner": [EXPERIENCE]}, ["client"]),
    Row(initial_weights.PriorContributed, None, {"meta_learner": [EXPERIENCE]}, ["meta_learner"]),
    Row(initial_weights.PriorPublished, None, {"meta_learner": [EXPERIENCE]}, ["meta_learner"]),

    # What is decided on, and the verdicts
    Row(proposals.ActionProposed, None, {"meta_learner": [GOVERNANCE]}, ["governor"]),
    Row(governance.CanaryJudged, None, {"outcome_evaluator": [GOVERNANCE]}, ["governor"]),
    Row(governance.ActionSettled, None, {"meta_learner": [GOVERNANCE], "outcome_evaluator": [GOVERNANCE]},
        ["governor"]),
    Row(governance.BurnReported, None, {"nobody": [GOVERNANCE]},
        ["nobody"], "Error budgets as a rule: the schema is fixed, its writer and its reader are yet to be written."),
    Row(verdicts.VerdictGiven, None, {"governor": [VERDICTS, EXPERIENCE]}, ["meta_learner", "audit"]),
    Row(governance.RequestHeld, None, {"governor": [VERDICTS]}, ["audit", "cli"]),
    Row(verdicts.DeploymentUnapproved, None, {"governor": [INDICATORS]}, ["cli"]),

    # Commands, and the brake
    Row(policy.RetrainStart, None, {"governor": [POLICY_RETRAIN]}, ["retrain_actuator", "host", "client", "audit"]),
    Row(policy.RolloutSet, None, {"governor": [POLICY_ROLLOUT]}, ["rollout_actuator", "host", "client", "audit"]),
    Row(policy.RolloutPromote, None, {"governor": [POLICY_ROLLOUT]}, ["rollout_actuator", "host", "client", "audit"]),
    Row(policy.RolloutAbort, None, {"governor": [POLICY_ROLLOUT]}, ["rollout_actuator", "host", "client", "audit"]),
    Row(policy.RolloutRevert, None, {"governor": [POLICY_ROLLOUT]}, ["rollout_actuator", "host", "client", "audit"]),
    Row(policy.ThresholdSet, None, {"governor": [POLICY_THRESHOLD]}, ["threshold_actuator", "host", "client", "audit"]),
    Row(policy.ThresholdRevert, None, {"nobody": [POLICY_THRESHOLD]},
        ["threshold_actuator", "host", "client", "audit"], "Nobody commands it yet; hands obey it."),
    Row(policy.MetaTrainingStart, None, {"governor": [POLICY_META_TRAINING]},
        ["maml_trainer", "host", "client", "audit"]),
    Row(policy.BrakeSet, None, {"governor": POLICIES}, ["host", "client", "cli"]),
    Row(policy.BrakeReleased, None, {"governor": POLICIES}, ["host", "cli"]),

    # The system itself
    Row(system.ClockTicked, None, {"host": [TIMELINE, EXPERIENCE, GOVERNANCE]},
        ["outcome_evaluator", "meta_learner", "training_advisor", "governor"]),
    Row(system.IndicatorComputed, None,
        {"intake.telemetry": [INDICATORS], "drift_detector": [INDICATORS], "governor": [INDICATORS],
         "meta_learner": [INDICATORS], "outcome_evaluator": [INDICATORS], "threshold_tracker": [INDICATORS],
         "training_advisor": [INDICATORS]},
        ["people", "cli"], "Dashboards."),
    Row(system.ThresholdMoved, None, {"threshold_tracker": [INDICATORS]}, ["threshold_actuator"]),
    Row(system.EventRefused, None,
        {"intake.telemetry": [QUARANTINE], "cli": [QUARANTINE], "governor": [QUARANTINE], "host": [QUARANTINE]},
        ["people", "audit", "cli"], "People replay or discard it."),
    Row(system.EventReplayed, None, {"cli": [QUARANTINE]}, ["cli"]),
    Row(system.LogDigested, None, {"auditor": [AUDIT]}, ["auditor"]),
    Row(system.CheckpointSigned, None, {"auditor": [AUDIT]}, ["auditor"]),
    Row(system.AuditBegun, None, {"cli": [AUDIT]}, ["audit"]),
)
# fmt: on
