"""What training jobs have told can be taken back exactly, and comes back with trust."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.codec import encode_state
from homeostat.events import EpisodeRecorded, Provenance
from homeostat.services.training_advisor import recent_runs
from homeostat.services.training_advisor.advisor import Advisor


def run(source: str, number: int, **changes: Any) -> EpisodeRecorded:
    """The n-th run of a source: tasks, configurations and sizes recur."""
    fields: dict[str, Any] = {
        "episode": "e",
        "task": f"t{number % 3}",
        "configuration": f"c{number % 2}",
        "rows": 64 << number % 5,
        "result": 0.5 + 0.01 * number,
        "seconds": 1.0 + number,
        "hyperparameters": {"depth": number % 4},
        "provenance": Provenance("acme", source, "1"),
    }
    return EpisodeRecorded.model_validate(fields | changes)


def hear(known: Advisor, episode: EpisodeRecorded) -> None:
    """A job records a run."""
    known.update("acme/jobs", episode)


def learned(known: Advisor) -> bytes:
    """What answers are made from."""
    return encode_state((known.metrics, known.training_time, known.latency))


SAID = st.lists(
    st.tuples(
        st.sampled_from(["/a", "/b", "/evil"]),
        st.integers(0, 9),
        st.sampled_from([{}, {"metric": "loss", "is_loss": True}, {"latency_seconds": 0.1}]),
    ),
    max_size=25,
)


@given(SAID)
@settings(max_examples=25, deadline=None)
def test_a_distrusted_source_has_never_told_of_anything(said: list[Any]) -> None:
    """Answers rest on the runs of the others alone, to the bit; with its trust they are what they were."""
    known, spared, before = Advisor(), Advisor(), Advisor()
    for source, number, changes in said:
        for one in (known, before, *([spared] if source != "/evil" else [])):
            hear(one, run(source, number, **changes))

    known.distrust("/evil")
    assert learned(known) == learned(spared)
    known.trust("/evil")
    assert learned(known) == learned(before)


def test_who_never_spoke_takes_nothing_away() -> None:
    """To distrust who never spoke changes nothing."""
    known = Advisor()
    hear(known, run("/a", 1))
    before = learned(known), encode_state(known.runs)

    known.distrust("/silent")

    assert (learned(known), encode_state(known.runs)) == before


def test_threat_many_made_up_names_push_the_runs_of_the_honest_out() -> None:
    """Memory is bounded; room is made by those that are many, and every source is heard."""
    known = Advisor()
    for number in range(200):
        hear(known, run("/honest", number, task=f"own-{number}"))
    for number in range(1500):
        hear(known, run(f"/made-up/{number}", number, task=f"x{number}"))

    runs = known.runs.runs
    table = known.metrics["accuracy score"].configurations.table
    assert (len(runs), len(known.runs.evicted) <= 256 + 16) == (1024, True)
    assert sum(recent_runs.source_of(one) == "/honest" for one in runs) == 200
    assert sum(key.endswith("\n/honest") for key in table.runs) >= 512 // 66
    assert known.training_time.model is not None
    before = encode_state(known.training_time)
    hear(known, run("/late", 3, seconds=500.0))
    assert encode_state(known.training_time) != before


def test_who_is_distrusted_after_runs_have_made_room_leaves_no_trace() -> None:
    """What those taught leaves as well: nobody can tell any more whose it was."""
    known = Advisor()
    for number in range(recent_runs.MOST_RUNS + 10):
        hear(known, run("/evil", number))
    hear(known, run("/good", 1))

    known.distrust("/evil")

    spared = Advisor()
    hear(spared, run("/good", 1))
    assert encode_state((known.training_time, known.latency)) == encode_state((spared.training_time, spared.latency))


@pytest.mark.parametrize("n", [1, 3])
def test_threat_made_up_metrics_leave_no_room_for_the_one_that_is_measured(n: int) -> None:
    """The metrics that most runs have are answered."""
    known = Advisor()
    for metric in range(8):
        for number in range(n):
            hear(known, run("/made-up", number, metric=f"m{metric}"))
    for number in range(n + 1):
        hear(known, run("/honest", number, metric="f1"))

    alone = Advisor()
    for number in range(n + 1):
        hear(alone, run("/honest", number, metric="f1"))
    assert len(known.metrics) == 8
    assert encode_state(known.metrics["f1 score"]) == encode_state(alone.metrics["f1 score"])
