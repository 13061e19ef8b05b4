"""The record by which a host tells a fold that a time has come."""

from homeostat.codec import Output
from homeostat.codec.encode import JSON, encode_headers, encode_payload
from homeostat.core.identity import identity
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
    value, _ = encode_payload(ClockTicked(due=due))
    source, id_ = f"/homeostat/clock/{fold}", f"{subject}.{due}"
    headers = encode_headers(
        id_=id_,
        source=source,
        type_=ClockTicked.TYPE,
        time=due,
        subject=subject,
        content_type=JSON,
        story=identity(source, id_),
    )
    return Output(topic, partition, subject.encode(), value, headers)
