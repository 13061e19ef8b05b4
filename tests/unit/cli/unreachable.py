"""A command line without a broker."""

from homeostat.runtime.kafka_errors import BrokerUnreachable


def away(*_: object, **__: object) -> None:
    raise BrokerUnreachable("127.0.0.1:1", "test")
