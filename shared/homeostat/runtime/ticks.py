"""The record by which a host tells a fold that a time has come."""

from homeostat.codec import Output
from homeostat.codec.envelope import envelope
from homeostat.events import ClockTicked


def tick(topic: str, partition: int, subject: str, fold: str, due: int) -> Output:
    """Make the `clock.ticked` record that a host appends to the input of a fold.

    Args:
        topic: Input of the fold.
        partition: In which the unit lies.
        subject: Unit that waits.
        fold: Name of the fold.
        due: Time that it waits for, ms; the same tick of two hosts has the same identity.
    """
    return envelope(
        topic,
        subject,
        ClockTicked(due=due),
        id_=f"{subject}.{due}",
        source=f"/homeostat/clock/{fold}",
        time=due,
        partition=partition,
    )
