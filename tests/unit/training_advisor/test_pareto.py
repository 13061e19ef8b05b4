"""What an answer says of seconds, money and latency: the front no option beats, limits on upper bounds."""

from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded, Provenance, RulesSet, SourceDistrusted
from homeostat.events.advice import Objective, Option
from homeostat.events.base import Scalar
from homeostat.events.costs import InstancePrice
from homeostat.services.training_advisor.fold import TrainingAdvisor
from homeostat_lab.evaluation.feeding import Feeder

_FAMILY = "acme/digits"
# Result, seconds and latency of each configuration on every task, up to a factor of the task.
_OF = {
    "good_slow": (0.95, 100.0, 0.050),
    "fair_fast": (0.90, 10.0, 0.002),
    "fair_slow": (0.89, 90.0, 0.040),
    "bad_quick": (0.70, 1.0, 0.001),
}

_ON: dict[str, dict[str, Scalar]] = {name: {"instance": "gpu" if name == "fair_fast" else "default"} for name in _OF}


def runs(n_tasks: int = 12, source: str = "jobs") -> list[EpisodeRecorded]:
    """Every configuration on every task; a task makes all of them slower and less good alike."""
    found = []
    for task in range(n_tasks):
        for name, (result, seconds, latency) in _OF.items():
            found.append(
                EpisodeRecorded(
                    episode=f"{task}-{name}",
                    task=f"t{task}",
                    configuration=name,
                    hyperparameters=_ON[name],
                    result=result - 0.01 * (task % 5),
                    seconds=seconds * (1.0 + 0.1 * (task % 3)),
                    latency_seconds=latency * (1.0 + 0.1 * (task % 2)),
                    provenance=Provenance(scope="acme", source=source, id="1"),
                )
            )
    return found


def ask(
    *objectives: Objective,
    limits: dict[Objective, float] | None = None,
    rules: RulesSet | None = None,
    taught: int = 12,
) -> AdviceGiven:
    feeder = Feeder(TrainingAdvisor())
    if rules is not None:
        feeder.publish(_FAMILY, rules)
    for episode in runs(taught):
        feeder.publish(_FAMILY, episode)
    options = tuple(Option(configuration=name, hyperparameters=_ON[name]) for name in _OF)
    request = AdviceRequested(
        task="new", question="configuration", options=options, objectives=objectives, limits=limits or {}
    )
    given = feeder.publish(_FAMILY, request)[0].data
    assert isinstance(given, AdviceGiven)
    return given


def test_what_another_option_beats_in_everything_is_not_efficient() -> None:
    """`fair_slow` is worse, slower and later than `fair_fast`; each of the others is best in something."""
    given = ask("seconds", "latency")

    assert {each.configuration for each in given.options if each.is_efficient} == set(_OF) - {"fair_slow"}
    assert given.options[-1].configuration == "fair_slow"


def test_what_an_option_takes_is_told_with_an_interval() -> None:
    """What it took on the other tasks lies inside, and within a factor of two of what is expected."""
    for each in ask("seconds", "latency", taught=40).options:
        _, seconds, latency = _OF[each.configuration]
        for found, truth in ((each.takes["seconds"], seconds), (each.takes["latency"], latency)):
            assert found.low < truth < found.high
            assert 0.5 < found.expected / truth < 2.0


def test_a_price_list_changes_the_front() -> None:
    """In money, the fast option on a dear machine is beaten by the slow one that is nearly as good."""
    prices = {"gpu": InstancePrice(per_second=1.0)}
    given = ask("money", rules=RulesSet(price_per_training_second=0.0001, prices=prices))

    by_name = {each.configuration: each for each in given.options}
    assert by_name["fair_fast"].takes["money"].expected > by_name["good_slow"].takes["money"].expected
    assert not by_name["fair_fast"].is_efficient
    assert by_name["good_slow"].is_efficient


def test_a_limit_holds_for_the_upper_bound_and_puts_the_option_last() -> None:
    """Without objectives only the limit counts: what may take longer is not allowed, the rest stays in its order."""
    free, limited = ask(taught=40), ask(limits={"seconds": 60.0}, taught=40)

    allowed = [each.configuration for each in limited.options if each.is_allowed]
    assert set(allowed) == {"fair_fast", "bad_quick"}
    assert [each.configuration for each in limited.options[: len(allowed)]] == allowed
    assert allowed == [each.configuration for each in free.options if each.configuration in allowed]
    assert not any(each.is_efficient for each in limited.options)


def test_nothing_is_held_back_before_anything_is_known() -> None:
    """A first task has no times to compare."""
    given = ask("seconds", limits={"seconds": 1e-9}, taught=0)

    assert all(each.is_allowed and each.is_efficient and not each.takes for each in given.options)


def test_a_distrusted_source_s_times_are_forgotten() -> None:
    """Nothing is said of seconds or latency once their only source is gone."""
    feeder = Feeder(TrainingAdvisor())
    for episode in runs():
        feeder.publish(_FAMILY, episode)
    feeder.publish(_FAMILY, SourceDistrusted(scope="acme", source="jobs"))
    options = tuple(Option(configuration=name) for name in _OF)
    given = feeder.publish(
        _FAMILY,
        AdviceRequested(task="new", question="configuration", options=options, objectives=("seconds", "latency")),
    )[-1].data

    assert isinstance(given, AdviceGiven)
    assert not any(each.takes for each in given.options)
