"""The report on the meta-dataset: what there is, what is missing, whose it is, and what it was worth."""

from typing import Any

import pytest
from tests.unit.cli.dataset_events import (
    FAMILY,
    WINDOW,
    action,
    episode,
    event,
    few_shot,
    incident,
    outcome,
    payoff,
    registered,
)
from tests.unit.cli.system import System

from homeostat.core import Payload
from homeostat.events import (
    Arm,
    FamilyRegistered,
    IndicatorComputed,
    OutcomeRevised,
    ProfileUpdated,
    SourceDistrusted,
)
from homeostat.events.logs import TRACES
from homeostat.stats.held_out import is_held_out
from homeostat_tools.cli.episodes import episodes
from homeostat_tools.cli.metadataset import LABEL_LAG, reports


def test_it_counts_what_there_is() -> None:
    """Episodes, tasks, configurations, and the held-out ones; families apart."""
    log = [
        event(1, episode()),
        event(2, episode(task="b", configuration="d")),
        event(3, episode(task="z", held_out=True)),
        event(4, episode(), subject="team/other"),
    ]

    report, other = reports(log)

    assert (report.family, report.n_episodes, report.n_held_out) == (FAMILY, 3, 1)
    assert (report.n_tasks, report.n_held_out_tasks, report.n_configurations) == (3, 1, 2)
    assert (other.family, other.n_episodes) == ("team/other", 1)


def test_it_says_what_is_missing() -> None:
    """Shares of fields, ranges of meta-features, and a sentence for each that is low."""
    bare: dict[str, Any] = {"seed": None, "environment": {}, "cost": 0.0, "meta_features": {"age": 3.0}}
    log = [event(1, episode()), event(2, episode(**bare)), event(3, episode(**bare))]

    (report,) = reports(log)

    assert report.complete["seed"] == pytest.approx(1 / 3)
    assert report.meta_features["age"].missing_ratio == pytest.approx(1 / 3)
    assert (report.meta_features["rows"].low, report.meta_features["rows"].high) == (10.0, 10.0)
    assert any("seed" in problem for problem in report.problems)
    assert any("no task is held out" in problem for problem in report.problems)


def test_an_arm_of_an_action_is_an_episode_with_all_that_is_known_of_it() -> None:
    """Settings and window of the proposal, curve of the hand, payoff of the evaluator, outcome as said last."""
    experience, governance = action()

    (told,) = episodes(experience, governance)

    assert (told.configuration, told.hyperparameters, told.meta_features) == ("warm", {"epochs": 3}, {"rise": 0.2})
    assert (told.loss_curve, told.rows, told.result) == ((0.5, 0.2), 80, 0.05)
    assert told.outcome is not None
    assert (told.outcome.gain, told.outcome.is_chosen, told.outcome.is_final) == (0.04, True, True)
    assert told.window == WINDOW


def test_an_episode_waits_for_its_outcome() -> None:
    """Without one it is not complete; the report says how many are."""
    experience, governance = action()

    (early,) = episodes(experience[:-2], governance)
    (report,), (whole,) = reports(experience[:-2], (), governance), reports(experience, (), governance)

    assert early.outcome is None
    assert (report.n_own, report.complete["outcome"]) == (1, 0.0)
    assert whole.complete["outcome"] == 1.0
    assert whole.complete["hyperparameters"] == 1.0


def test_what_the_log_has_lost_is_missing_and_nothing_else() -> None:
    """Records expire: an episode without its proposal is told with what is left."""
    experience, _ = action()

    told = episodes(experience, [])

    assert [(one.configuration, one.hyperparameters, one.loss_curve) for one in told] == [("warm", {}, ())]


def test_one_sided_sampling_is_found() -> None:
    """Nine of ten episodes of one source are as diverse as little more than one."""
    log = [event(n, episode("/loud")) for n in range(9)] + [event(9, episode("/quiet"))]

    (report,) = reports(log)

    assert report.sources.n == 2
    assert report.sources.effective == pytest.approx(1.0 / (0.81 + 0.01))
    assert any("90% of the episodes come from one source, /loud" in problem for problem in report.problems)


def test_a_task_both_held_out_and_learned_from_is_a_problem() -> None:
    """Then validation on it is worth nothing."""
    (report,) = reports([event(1, episode(task="a")), event(2, episode(task="a", held_out=True))])

    assert any("both held out and learned from, for example a" in problem for problem in report.problems)


def test_choices_stand_beside_the_baseline() -> None:
    """Mean payoffs over the actions in which both are known; `skip` pays nothing."""
    family = FamilyRegistered(arms=(Arm(name="warm"), Arm(name="cold")), baseline="cold")
    log = [
        event(1, family),
        event(2, payoff("a1", "warm", 0.10)),
        event(3, payoff("a1", "cold", 0.04)),
        event(4, outcome("a1", "warm")),
        event(5, payoff("a2", "cold", -0.02)),
        event(6, outcome("a2", "skip")),
        event(7, payoff("a3", "warm", 0.5)),
        event(8, outcome("a3", "warm")),
    ]

    (report,) = reports(log)

    assert report.comparison is not None
    assert (report.comparison.baseline, report.comparison.n_actions) == ("cold", 2)
    assert report.comparison.chosen == pytest.approx(0.05)
    assert report.comparison.beside == pytest.approx(0.01)
    assert report.comparison.standard_error == pytest.approx(0.02)


def test_the_version_is_that_of_what_is_learned_from() -> None:
    """Not of the order of things, nor of what nothing is learned from; of everything else."""
    log = [event(1, episode()), event(2, episode()), event(3, registered("warm")), event(4, payoff("a1", "warm", 0.1))]
    log += [event(5, outcome("a1", "warm")), event(6, few_shot("t", held_out=False))]
    profile = ProfileUpdated(
        model="team/m", version="v", meta_features={"rise": 1.0}, labels_since_onset=1, window=WINDOW
    )
    (one,) = reports(log)

    same = [reports(log[::-1]), reports([*log, event(7, profile)])]
    revised = OutcomeRevised(**(dict(outcome("a1", "warm")) | {"gain": 0.04}))
    more: list[Payload] = [
        episode(),
        registered("warm", "cold"),
        payoff("a1", "cold", 0.2),
        payoff("a1", "warm", 0.2),
        outcome("a2", "skip"),
        revised,
        few_shot("u", held_out=False),
        few_shot("t", held_out=True),
        incident("/jobs"),
        SourceDistrusted(scope="team", source="/jobs"),
        SourceDistrusted(scope="team", source="/nobody"),
    ]
    others = [reports([*log, event(7, data)]) for data in more]

    assert {told.digest for (told,) in same} == {one.digest}
    assert len({told.digest for (told,) in (*others, [one])}) == len(more) + 1


def test_arms_of_actions_are_episodes_and_few_shot_tasks_are_tasks() -> None:
    """Held-out ones too: of an action its identity decides, as for the learner."""
    held_out = next(name for name in map(str, range(1000)) if is_held_out(name))
    log = [event(n, payoff(name, "warm", 0.1)) for n, name in enumerate((held_out, "a1", "a2", "a2"))]
    log += [
        event(5, episode(task="b")),
        event(6, few_shot("t", held_out=True)),
        event(7, few_shot("u", held_out=False)),
    ]

    (report,) = reports(log)

    assert (report.n_episodes, report.n_jobs, report.n_own, report.n_held_out) == (4, 1, 3, 1)
    assert (report.n_tasks, report.n_held_out_tasks) == (3, 1)
    assert (report.models.n, report.n_configurations) == (1, 2)


def test_what_a_distrusted_source_has_said_is_left_out_and_counted() -> None:
    """Its runs, tasks and incidents, and payoffs that rest on its rows: before the word and after it."""
    said = [episode("/bad"), few_shot("t", held_out=True, source="/bad"), incident("/bad")]
    word = event(4, SourceDistrusted(scope="team", source="/bad"))
    mixed = payoff("a1", "warm", 0.1).model_copy(update={"sources": ("/bad", "/good")})
    log = [*map(event, range(3), said), word, event(5, mixed), event(6, episode("/bad")), event(7, episode("/good"))]

    (report,) = reports(log)

    assert (report.n_episodes, report.n_own, report.n_excluded) == (1, 0, 5)
    assert (report.n_tasks, report.n_incidents) == (1, 0)
    assert (report.distrusted, report.sources.most, report.sources.n) == (("/bad",), "/good", 1)


def test_an_arm_says_what_trained_it() -> None:
    """Seed, environment and code of the candidate, where the hand has told of them; an older one has none."""
    experience, governance = action()
    told: dict[str, Any] = {"seed": 7, "environment": {"python": "3.12"}, "code": "a" * 64}
    known = event(3, governance[1].data.model_copy(update=told), "team")  # type: ignore[attr-defined]

    (old,), (new,) = episodes(experience, governance), episodes(experience, [governance[0], known])
    (before,), (after,) = reports(experience, (), governance), reports(experience, (), [governance[0], known])

    assert (old.seed, old.environment, old.code) == (None, {"instance": "default"}, None)
    assert (new.seed, new.environment, new.code) == (7, {"instance": "default", "python": "3.12"}, "a" * 64)
    assert [(report.complete["seed"], report.complete["code"]) for report in (before, after)] == [(0, 0), (1, 1)]
    assert any("have code" in problem for problem in before.problems)


def test_a_family_of_tasks_alone_has_a_report() -> None:
    """Few-shot tasks are something to learn from; a profile alone is not."""
    (report,) = reports([event(1, few_shot("t", held_out=True)), event(2, few_shot("u", held_out=False))])

    assert (report.n_episodes, report.n_tasks, report.n_held_out_tasks, report.problems) == (0, 2, 1, ())
    assert reports([event(1, registered("warm"))]) == []


def test_the_label_lag_is_that_of_the_models() -> None:
    """The newest figure of each, on average."""
    lags = [
        event(n, IndicatorComputed(model="team/m", name=LABEL_LAG, value=v), "team/m") for n, v in enumerate((9, 4))
    ]

    (report,) = reports([event(1, episode())], lags)

    assert report.label_lag_seconds == 4.0
    assert reports([event(1, episode())])[0].label_lag_seconds is None


def test_the_command_reads_the_log(governed: System) -> None:
    """What training jobs published, as JSON and for people; an unknown family is said to be one."""
    data = episode().model_copy(update={"provenance": None})
    for n in range(2):
        governed.log.publish(TRACES, FAMILY, data, id_=f"e{n}", source="/jobs")
    governed.logs.flush()

    (told,) = governed.json("dataset", "report", FAMILY)
    text = governed("dataset", "report")
    governed("dataset", "report", "team/none", code=3)

    assert told["n_episodes"] == 2
    assert told["sources"]["most"] == "/jobs"
    assert "2 (0 held out): 2 of jobs, 0 arms of actions" in text
    assert len(governed.json("dataset", "episodes", FAMILY)) == 2
    assert "+0.9" in governed("dataset", "episodes")
    assert "no task is held out" in text
