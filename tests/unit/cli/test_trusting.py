"""`homeostat distrust|trust`: signed, answered, and seen wherever a source counts."""

from tests.unit.cli.system import System

from homeostat.events import EpisodeRecorded
from homeostat.events.logs import TRACES


def tell(system: System, source: str, number: int) -> None:
    """A job tells of a run."""
    run = EpisodeRecorded(episode=f"e{number}", task="t", configuration="c", result=0.5, seconds=1.0)
    system.log.publish(TRACES, "team/f", run, id_=str(number), source=source)
    system.logs.flush()


def test_distrust_and_trust_are_requests_with_an_answer(governed: System) -> None:
    """As text for people, as one object a line for scripts."""
    assert governed.json("distrust", "/bad", "--scope", "team", "--reason", "poison") == [
        {"scope": "team", "source": "/bad", "is_distrusted": True}
    ]
    governed("trust", "/bad", "-s", "team")
    assert "/bad counts in team again" in governed.stdout

    said = governed.json("tail", "governance", "-t", "source.distrusted")
    assert [one["data"]["reason"] for one in said] == ["poison"]


def test_who_is_not_distrusted_cannot_be_trusted_again(governed: System) -> None:
    """Exit code 4, and the reason."""
    governed("trust", "/good", "-s", "team", code=4)

    assert "nobody has distrusted /good" in governed.stderr


def test_what_is_no_source_is_not_sent(governed: System) -> None:
    """Neither nothing, nor more than a header takes; nor without a scope."""
    governed("distrust", "", "-s", "team", code=2)
    governed("distrust", "x" * 100_000, "-s", "team", code=2)
    governed("distrust", "/bad", code=2)


def test_the_dataset_follows_distrust_and_trust(governed: System) -> None:
    """Its version, its report and its episodes: of a family without any model."""
    for number, source in enumerate(("/good", "/bad", "/bad")):
        tell(governed, source, number)
    (before,) = governed.json("dataset", "report")

    governed("distrust", "/bad", "-s", "team")
    (after,) = governed.json("dataset", "report")
    assert after["digest"] != before["digest"]
    assert (after["n_episodes"], after["n_excluded"], after["distrusted"]) == (1, 2, ["/bad"])
    assert len(governed.json("dataset", "episodes")) == 1
    assert len(governed.json("dataset", "episodes", "--all")) == 3

    governed("trust", "/bad", "-s", "team")
    (again,) = governed.json("dataset", "report")
    assert again == before
    assert len(governed.json("dataset", "episodes")) == 3


def test_the_shell_offers_who_is_distrusted(governed: System) -> None:
    """And nobody else."""
    from homeostat_tools.cli.known import distrusted_among

    for source in ("/bad", "/worse"):
        governed("distrust", source, "-s", "team")
    governed("trust", "/worse", "-s", "team")

    assert distrusted_among(governed.logs, lambda: False) == {"/bad"}


def test_a_key_of_a_source_is_made_and_told(governed: System) -> None:
    """Every family of every scope hears of it: one that is there, and one that comes."""
    tell(governed, "/jobs", 0)
    governed("keys", "create", "line-7", "--role", "source", "--by", "operator")

    facts = governed.json("tail", "experience", "-t", "key.registered")
    assert [(one["subject"], one["data"]["principal"]) for one in facts] == [("team/f", "line-7")]
