"""A fold that is fed by hand says what it says on a host."""

from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.codec import Output, Record, decode_event, encode_payload
from homeostat.codec.encode import encode_headers
from homeostat.core import Event, Identity
from homeostat.core.identity import emit_id, sequence
from homeostat.events import SignalObserved
from homeostat.events.logs import TIMELINE
from homeostat.runtime.assignment import Assignment
from homeostat.testing.counter import Counter
from homeostat_lab.evaluation.feeding import Feeder

START = 1_700_000_000_000


class Kept:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []

    def send(self, output: Output) -> None:
        """Keep it, unless it is a snapshot."""
        if "snapshots" not in output.topic:
            self.outputs.append(output)

    def flush(self) -> None:
        """Nothing waits."""


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a/x", "a/y"]), st.floats(0, 10)), max_size=12))
def test_a_feeder_says_what_the_host_says(told: list[tuple[str, float]]) -> None:
    """Same payloads, keys and identities, in the same order."""
    feeder, kept = Feeder(Counter()), Kept()
    assignment = Assignment(
        Counter(), version="v", topic_id="evaluation", partition=0, n_partitions=lambda _: 1, outbox=kept, writer="w"
    )
    assignment.restore([])
    by_hand: list[tuple[object, object]] = []
    for offset, (subject, value) in enumerate(told):
        data = SignalObserved(layer="edge", name="heat", value=value)
        at = START + 1000 * offset
        emits = feeder.publish(subject, data)
        by_hand += [(emit.subject or subject, emit.data) for emit in emits]
        assignment.process(_record(offset, at, subject, data))

    events = [_decoded(output, place) for place, output in enumerate(kept.outputs)]

    assert [(event.subject, event.data) for event in events] == by_hand
    assert {event.source for event in events} <= {"/homeostat/counter/homeostat.timeline/evaluation/0"}


def _record(offset: int, at: int, subject: str, data: SignalObserved) -> Record:
    value, content_type = encode_payload(data)
    own = Identity(f"/evaluation#{offset}.0")
    headers = encode_headers(
        id_=emit_id(offset),
        source="/evaluation",
        type_=data.TYPE,
        time=at,
        subject=subject,
        content_type=content_type,
        story=own,
        sequence=sequence(offset),
    )
    return Record(TIMELINE, "evaluation", 0, offset, at, subject.encode(), value, headers)


def _decoded(output: Output, offset: int) -> Event:
    record = Record(output.topic, "t", 0, offset, START, output.key, output.value, output.headers)
    return decode_event(record, time=START, emitter="/e", is_door=False)
