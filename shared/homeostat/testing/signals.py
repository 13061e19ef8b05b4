"""Made-up input for the counter fold: upstream events with identities, in sequence."""

import random

from homeostat.codec import Output
from homeostat.codec.envelope import envelope
from homeostat.core.identity import emit_id, sequence
from homeostat.events import SignalObserved


def signal(
    topic: str, subject: str, value: float, n: int, *, source: str = "/homeostat/made-up/0", partition: int = 0
) -> Output:
    """One `signal.observed` as an upstream fold would write it, the `n`-th of its source.

    Args:
        topic: Where it goes.
        subject: Key.
        value: Of the signal.
        n: Offset and order in its source, >= 0; its time too.
        source: Of the event.
        partition: Of the topic.
    """
    data = SignalObserved(layer="service", name="load", value=value)
    return envelope(
        topic, subject, data, id_=emit_id(n), source=source, time=n, partition=partition, sequence=sequence(n)
    )


def signals(topic: str, n: int, seed: int, *, n_subjects: int = 5, timers: float = 0.05) -> list[Output]:
    """`n` signals of a few subjects, some refused, some that set a timer.

    Args:
        topic: Where they go.
        n: How many.
        seed: Of what they are.
        n_subjects: Among which they are drawn, >= 1.
        timers: Share that sets a timer, in [0, .95].
    """
    chance = random.Random(seed)  # noqa: S311  # made-up data
    made = []
    for i in range(n):
        draw = chance.random()
        value = -1.0 if draw < 0.05 else 2e6 if draw < 0.05 + timers else float(i)
        made.append(signal(topic, f"team/m{chance.randrange(n_subjects)}", value, i))
    return made
