"""`homeostat why`: a stated skip is an answer, a blind detector is one, and neither is an action under way."""

from typing import Any

import pytest
from tests.unit.cli.system import System

from homeostat.core.identity import emit_id
from homeostat.events import (
    ActionApplied,
    ActionSettled,
    Arm,
    CandidateTrained,
    Data,
    DeploymentUnapproved,
    DriftDetected,
    FamilyRegistered,
    IndicatorComputed,
    ProfileUpdated,
    Range,
    RetrainProposed,
    RolloutSet,
    RuleResult,
    VerdictGiven,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS, VERDICTS

WINDOW = Range(log="l", subject="team/m", source="/s", first="1.0", last="2.0", from_time=0, rows=0)
REASON = "no retrain without labels: 0 of 80 came since the onset, and no more come in time"


def publish(system: System, log: str, subject: str, data: Data) -> None:
    """Write what a service would."""
    number = len(list(system.log.all(log)))
    system.log.now += 1
    system.log.publish(log, subject, data, id_=emit_id(number), source=f"/homeostat/test/{log}")
    system.logs.flush()


def why(system: System) -> tuple[str, dict[str, str]]:
    """The sentence and the facts."""
    (answer,) = system.json("why", "team/m")
    return str(answer["because"]), dict(answer["facts"])


def drift(system: System, **profile: Any) -> None:
    """A drift of a family that waits for 80 labels, and its profile."""
    found = {"kind": "data", "detector": "martingale", "statistic": 1.0, "threshold": 1.0, "magnitude": 1.0}
    fields = {"model": "team/m", "version": "v1"}
    publish(system, EXPERIENCE, "team/f", FamilyRegistered(arms=(Arm(name="warm"),), baseline="warm"))
    publish(system, EXPERIENCE, "team/f", DriftDetected.model_validate(fields | found | {"onset": WINDOW}))
    data = fields | {"meta_features": {}, "labels_since_onset": 0, "window": WINDOW} | profile
    publish(system, EXPERIENCE, "team/f", ProfileUpdated.model_validate(data))


def skip(system: System, reason: str = REASON) -> None:
    """What the learner says of it."""
    proposal = RetrainProposed(
        family="team/f",
        model="team/m",
        champion="v1",
        chosen="skip",
        arms=(Arm(name="skip", propensity=1.0),),
        window=WINDOW,
        reason=reason,
    )
    publish(system, GOVERNANCE, "team", proposal)


def test_a_skip_for_want_of_labels_is_the_reason(governed: System) -> None:
    """It is approved and over; what comes with labels later takes its place."""
    drift(governed, is_overdue=True)
    skip(governed)

    assert why(governed)[0] == REASON
    assert REASON in governed("tail", "governance", "-s", "team/m", "-t", "action.proposed").replace("\n", " ")

    later = ProfileUpdated(model="team/m", version="v1", meta_features={}, labels_since_onset=20)
    publish(governed, EXPERIENCE, "team/f", later)
    assert why(governed)[0] == "it waits for labels: 20 of 80 since the onset of the drift"


def test_a_skip_that_does_not_pay_is_the_reason(governed: System) -> None:
    """With labels enough nothing is under way, and something was said."""
    drift(governed, labels_since_onset=80)
    skip(governed, "no retrain now: the best arm may gain +0.010")

    assert why(governed)[0] == "no retrain now: the best arm may gain +0.010"


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        ("no_features", "no feature is named in its registration"),
        ("nothing_watched", "none of its features can be watched"),
        ("small_shift", "a shift of one deviation would not be found"),
        ("", "a shift of one deviation would not be found"),
    ],
)
def test_a_blind_detector_is_why_no_drift_was_seen(governed: System, cause: str, says: str) -> None:
    """Said with the cause; and no longer once it sees."""
    for name in ("is_blind", f"is_blind.{cause}")[: 1 + bool(cause)]:
        publish(governed, INDICATORS, "team/m", IndicatorComputed(model="team/m", name=name, value=1.0))

    because, facts = why(governed)
    assert because.startswith("no drift was detected, and its detector is blind: ")
    assert says in because
    assert says in facts["blind"]

    publish(governed, INDICATORS, "team/m", IndicatorComputed(model="team/m", name="is_blind", value=0.0))
    assert why(governed)[0] == "no drift was detected"
    assert "blind" not in why(governed)[1]


@pytest.mark.parametrize(("failing", "is_asked_again"), [("cooldown", True), ("observe", True), ("trust", False)])
def test_what_is_only_postponed_is_said_to_come_again(governed: System, failing: str, is_asked_again: bool) -> None:
    """A cooldown passes, distrust does not."""
    drift(governed, labels_since_onset=80)
    rule = RuleResult(rule=failing, passed=False, value=1, limit=2, reason="no")
    data = {"action": "/a#1", "kind": "retrain", "family": "team/f", "model": "team/m", "verdict": "denied"}
    publish(governed, VERDICTS, "team", VerdictGiven.model_validate(data | {"rules": (rule,)}))

    assert why(governed)[0].startswith(f"the last proposal was denied: {failing}")
    assert ("homeostat act team" in todo(governed)) is (failing == "observe")
    assert why(governed)[0].endswith("; it is asked again") == is_asked_again


def todo(system: System) -> str:
    """What to do."""
    (answer,) = system.json("why", "team/m")
    return str(answer["todo"])


def verdict(system: System, action: str, said: str, *rules: RuleResult, kind: str = "retrain") -> None:
    """What the governor says of an action."""
    fields = {"action": action, "kind": kind, "family": "team/f", "model": "team/m", "verdict": said, "rules": rules}
    publish(system, VERDICTS, "team", VerdictGiven.model_validate(fields))


def failed(rule: str, value: object, limit: object, reason: str = "no") -> RuleResult:
    """A rule that says no."""
    return RuleResult.model_validate({"rule": rule, "passed": False, "value": value, "limit": limit, "reason": reason})


def test_a_denial_says_until_when(governed: System) -> None:
    """A cooldown has an end by the clock, the others one by what happens."""
    drift(governed, labels_since_onset=80)
    verdict(governed, "/a#1", "denied", failed("cooldown", 20_000, 60_000), failed("slots", 1, 0))

    because = why(governed)[0]

    assert "cooldown: 20000 against 60000, no, until " in because
    assert because.endswith("slots: 1 against 0, no, until a training ends; it is asked again")


def propose(system: System) -> str:
    """What the learner wants."""
    return system.propose(number=len(list(system.log.all(GOVERNANCE))))


@pytest.mark.parametrize(
    ("reason", "detail", "says", "mends"),
    [
        ("no_data", "no labelled row with a captured input", "no labelled row", "input_width"),
        ("all_arms_failed", "there are no champion weights to start from", "no champion weights", "artifact"),
        ("timed_out", "not finished within 60 s", "not finished within 60 s", "arm_timeout_seconds"),
        ("target_failed", "no such server", "target_failed: no such server", "homeostat story"),
        ("target_failed", "server http://h: refused; is it running?", "refused", "HOMEOSTAT_ROLLOUT_ACTUATOR_URL"),
        ("target_failed", "401, not its token in /t; is it running?", "401", "HOMEOSTAT_ROLLOUT_ACTUATOR_TOKEN_FILE"),
        ("target_failed", "artifact_unusable: EOFError", "artifact_unusable", "`load`"),
        ("all_arms_failed", "recipe_unknown: no recipe 'r'", "no recipe 'r'", "[recipes]"),
    ],
)
def test_a_hand_that_failed_is_the_reason_though_a_cooldown_has_followed(
    governed: System, reason: str, detail: str, says: str, mends: str
) -> None:
    """What is denied since only waits because of that; each reason has its remedy."""
    drift(governed, labels_since_onset=80)
    action = propose(governed)
    verdict(governed, action, "expired", failed("hand", reason, "applied", detail))
    verdict(governed, "/a#2", "denied", failed("cooldown", 1, 60_000))

    assert why(governed)[0].startswith("the last retrain failed: ")
    assert says in why(governed)[0]
    assert mends in todo(governed)


def test_a_chosen_arm_that_could_not_be_trained_is_the_reason(governed: System) -> None:
    """Its rivals were only measured."""
    drift(governed, labels_since_onset=80)
    action = propose(governed)
    verdict(governed, action, "approved")
    about = {"action": action, "command": "/c#1", "kind": "retrain", "family": "team/f", "model": "team/m"}
    publish(governed, GOVERNANCE, "team", CandidateTrained.model_validate(about | {"arm": "warm", "error": "diverged"}))
    settled = {"action": action, "kind": "retrain", "model": "team/m", "state": "skipped"}
    publish(governed, GOVERNANCE, "team", ActionSettled.model_validate(settled))

    assert why(governed)[0] == "the last retrain came to nothing: warm could not be trained: diverged"


def test_a_canary_says_what_it_waits_for(governed: System) -> None:
    """Labels, how many, and at which step."""
    action = propose(governed)
    rollout = RolloutSet.model_validate(
        {
            "action": action,
            "verdict": "/v#1",
            "family": "team/f",
            "model": "team/m",
            "expires_at": 1,
            "champion": "v1",
            "canary": "warm-1",
            "weight": 0.1,
            "step": 0,
            "reference": "v1",
        }
    )
    about = {"action": action, "command": "/c#1", "kind": "rollout", "family": "team/f", "model": "team/m"}
    applied = ActionApplied.model_validate(about | {"rollout": rollout, "rollout_verb": "set"})
    publish(governed, GOVERNANCE, "team", applied)

    assert "warm-1 answers 10%, step 1 of 2, and waits for 40 labelled rows" in why(governed)[0]


def test_a_family_that_nobody_registered_is_the_reason_once_there_is_a_drift(governed: System) -> None:
    """Before one, it is what is to be done first."""
    row = '{"version": "v1", "request": ["r"], "time": [1.7e9], "prediction": [0], "features": {"x": [1.0]}}'
    assert why(governed)[0] == "none of its rows has come lately, so nothing is looked at"
    assert todo(governed) == "publish samples.observed under team/m"
    governed("publish", "samples.observed", "team/m", row)
    assert why(governed)[0] == "no drift was detected"
    assert "family.registered team/f" in todo(governed)
    found = {"kind": "data", "detector": "martingale", "statistic": 1.0, "threshold": 1.0, "magnitude": 1.0}
    fields = {"model": "team/m", "version": "v1", "onset": WINDOW}
    publish(governed, EXPERIENCE, "team/f", DriftDetected.model_validate(fields | found))

    assert why(governed)[0] == "no retrain without arms: nobody has registered any for team/f"
    assert "family.registered team/f" in todo(governed)


def test_a_drift_of_the_machine_is_the_reason(governed: System) -> None:
    """Whoever looks for a retrain is told where to look instead."""
    found = {"kind": "data", "detector": "martingale", "statistic": 1.0, "threshold": 1.0, "magnitude": 1.0}
    fields = {"model": "team/m", "version": "v1", "onset": WINDOW, "features": ("latency_seconds",)}
    publish(governed, EXPERIENCE, "team/f", DriftDetected.model_validate(fields | found))

    assert why(governed)[0] == "only latency_seconds moved: no training changes that"


def test_a_model_of_which_all_is_refused_says_why(governed: System) -> None:
    """The reason comes before the drift that nobody could see; one good row, and it is another one."""
    bad = '{"version": "v1", "request": ["r"], "time": [1.7e9], "prediction": [0], "features": {"z": [1.0]}}'
    governed("publish", "samples.observed", "team/m", bad)

    assert why(governed)[0].startswith("all of its rows are refused (1 times feature_unknown), the last with ")
    assert "homeostat quarantine list --model team/m" in todo(governed)

    governed("publish", "samples.observed", "team/m", bad.replace('"z"', '"x"'))
    assert why(governed)[0] == "no drift was detected"
    assert "1 of its records" in why(governed)[1]["refused"]


def test_a_deployment_that_does_not_count_is_the_reason(governed: System) -> None:
    """The scope takes signed words only."""
    drift(governed, labels_since_onset=80)
    said = DeploymentUnapproved(model="team/m", version="v9", replaced="v1", is_counted=False)
    publish(governed, INDICATORS, "team/m", said)
    verdict(governed, "/a#1", "denied", failed("known_model", "v9", "v1"))

    assert why(governed)[0] == "v9 serves, which nobody approved or announced with a key: the books say v1"
    assert "v9 in the place of v1" in why(governed)[1]["deployment"]
