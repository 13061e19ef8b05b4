"""From a payload to a record that can be written: the one way, but for the emits of a step (`encode_emit`)."""

from homeostat.codec.encode import encode_headers, encode_payload, partition_of
from homeostat.codec.record import Output
from homeostat.core import Identity, Payload
from homeostat.core.identity import identity


def envelope(
    topic: str,
    subject: str,
    data: Payload,
    *,
    id_: str,
    source: str,
    time: int,
    n_partitions: int = 1,
    partition: int | None = None,
    story: Identity | None = None,
    cause: Identity | None = None,
    sequence: str | None = None,
) -> Output:
    """Lay a payload out as a record of a topic, in binary mode.

    Args:
        topic: That it goes to.
        subject: Key of the record.
        data: Payload; decides type and content type. Not modified.
        id_: `ce_id`; with `source` it is unique.
        source: `ce_source`.
        time: `ce_time`, ms.
        n_partitions: Of the topic, >= 1; the key decides among them.
        partition: Where it goes whatever the key says.
        story: `correlationid`; None opens a story at the record itself.
        cause: `causationid`.
        sequence: `ce_sequence`; None outside of internal topics.
    """
    value, content_type = encode_payload(data)
    key = subject.encode()
    headers = encode_headers(
        id_=id_,
        source=source,
        type_=data.TYPE,
        time=time,
        subject=subject,
        content_type=content_type,
        story=identity(source, id_) if story is None else story,
        cause=cause,
        sequence=sequence,
    )
    place = partition_of(key, n_partitions) if partition is None else partition
    return Output(topic, place, key, value, headers)
