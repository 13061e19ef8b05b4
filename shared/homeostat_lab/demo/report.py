"""From a finished run to its score, claims and report."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from safetensors.numpy import load as load_weights

from homeostat.events import (
    ActionProposed,
    ActionRequested,
    CanaryJudged,
    CandidateTrained,
    DriftDetected,
    ModelRegistered,
    OutcomeMeasured,
    RetrainStart,
    VerdictGiven,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, POLICY_RETRAIN, VERDICTS
from homeostat.runtime.replay import ReplayReport
from homeostat_lab.demo import claims
from homeostat_lab.demo.claims import Claim
from homeostat_lab.demo.comparison import Comparison
from homeostat_lab.demo.fleet import VERSION, Fleet, subject
from homeostat_lab.demo.play import payloads
from homeostat_lab.demo.scoring import HARMFUL_EVENTS, PolicyResult, PolicyRun, Promotion, gain, score
from homeostat_lab.demo.system import System
from homeostat_lab.demo.thresholds import compare_thresholds


@dataclass(frozen=True, slots=True)
class Facts:
    """What the logs say of a run.

    Args:
        retrains: Retrains that were to be rolled out.
        shadows: Trainings that were only scored.
        decisions: Proposals, verdicts and judgements.
        drifts: `drift.detected` events.
        outcomes: `outcome.measured` payloads.
    """

    retrains: int
    shadows: int
    decisions: int
    drifts: int
    outcomes: list[dict[str, Any]]


def facts(system: System) -> Facts:
    """Read the logs of a run."""
    starts = payloads(system, POLICY_RETRAIN, RetrainStart.TYPE)
    retrains = sum(start["chosen"] != "skip" for start in starts)
    proposals = payloads(system, GOVERNANCE, ActionProposed.TYPE)
    judged = payloads(system, GOVERNANCE, CanaryJudged.TYPE)
    verdicts = payloads(system, VERDICTS, VerdictGiven.TYPE)
    return Facts(
        retrains,
        sum(len(start["arms"]) for start in starts) - retrains,
        len(proposals) + len(judged) + len(verdicts),
        len(payloads(system, EXPERIENCE, DriftDetected.TYPE)),
        payloads(system, EXPERIENCE, OutcomeMeasured.TYPE),
    )


def promotions(fleet: Fleet, system: System) -> tuple[Promotion, ...]:
    """Every change of a serving model, with what it did to the true accuracy of the events after it."""
    artifacts = {
        (trained["model"], trained["version"]): trained["artifact"]
        for trained in payloads(system, GOVERNANCE, CandidateTrained.TYPE)
        if "artifact" in trained
    }
    for registered in payloads(system, GOVERNANCE, ModelRegistered.TYPE):
        artifacts[registered["model"], VERSION] = registered["artifact"]
    for requested in payloads(system, GOVERNANCE, ActionRequested.TYPE):  # a poisoned one that got through counts too
        for candidate in requested.get("candidates", ()):
            artifacts[requested["model"], candidate["version"]] = candidate["artifact"]
    found = []
    for station, served in enumerate(fleet.champions):
        for index in [i for i in range(1, len(served)) if served[i] != served[i - 1]]:
            model = subject(station)
            old, new = (
                load_weights(system.store.get(artifacts[model, version]))
                for version in (served[index - 1], served[index])
            )
            end = min(index + HARMFUL_EVENTS, fleet.world.events)
            following = tuple(fleet.world.event(station, i) for i in range(index, end))
            found.append(Promotion(station, index, gain(old, new, following)))
    return tuple(found)


def result_of(fleet: Fleet, system: System, known: Facts) -> PolicyResult:
    """Score Homeostat as every other policy is scored.

    Args:
        fleet: After the run: what it answered.
        system: Its logs.
        known: Facts read off them.
    """
    run = PolicyRun("homeostat", fleet.n_right, known.retrains, promotions(fleet, system))
    return score(fleet.world, run)


def claims_of(
    fleet: Fleet, own: PolicyResult, known: Facts, comparison: Comparison, replayed: ReplayReport
) -> list[Claim]:
    """Everything that a live run may claim.

    Args:
        fleet: After the run.
        own: Score of Homeostat.
        known: Facts read off the logs.
        comparison: Scores of the baselines on the same world.
        replayed: Outcome of deriving everything again.
    """
    other = {result.policy: result for result in comparison.results}
    static, tracked = compare_thresholds(fleet.world.seed, stations=fleet.world.stations)
    poisoned = [outcome for outcome in known.outcomes if outcome["arm"] == "manual"]
    return [
        claims.above("accuracy above frozen models", fleet.n_right, comparison.n_right["frozen"]),
        claims.above("accuracy above retraining on every alarm", fleet.n_right, comparison.n_right["every_alarm"]),
        claims.fewer(
            "harmful promotions below the error rule without a canary",
            own.harmful_promotions,
            other["error_rule"].harmful_promotions,
        ),
        claims.thresholds(static, tracked),
        claims.poisoned(poisoned),
        claims.proven(replayed.n_derived, replayed.n_equal),
    ]


def report_of(
    own: PolicyResult,
    known: Facts,
    comparison: Comparison,
    replayed: ReplayReport,
    made: list[Claim],
    *,
    n_events: int,
    seconds: float,
    where: str,
) -> Mapping[str, Any]:
    """The report as it is written to a file.

    Args:
        own: Score of Homeostat.
        known: Facts read off the logs.
        comparison: Scores of the baselines.
        replayed: Outcome of deriving everything again.
        made: Claims, each with whether it holds.
        n_events: Of one camera.
        seconds: That the run took.
        where: `kafka` or `memory`.
    """
    return {
        "claims": [claim.as_row() for claim in made],
        "policies": [asdict(result) for result in (*comparison.results, own)],
        "events": n_events,
        "decisions": known.decisions,
        "drifts": known.drifts,
        "shadow_trainings": known.shadows,
        "replayed": replayed.n_derived,
        "replayed_equal": replayed.n_equal,
        "seconds": round(seconds, 1),
        "log": where,
    }
