"""Each thing that Kafka says has its own error: who must do what; what passes by itself is asked again."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from homeostat.core import HomeostatError
from homeostat.runtime.kafka_errors import (
    BrokerFailed,
    BrokerRefused,
    BrokerTooOld,
    BrokerUnreachable,
    NotAuthorized,
    asked,
    error_of,
    insist,
)


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        (KafkaError._ALL_BROKERS_DOWN, BrokerUnreachable, "homeostat up"),
        (KafkaError._TIMED_OUT, BrokerUnreachable, "homeostat up"),
        (KafkaError.SASL_AUTHENTICATION_FAILED, BrokerRefused, "HOMEOSTAT_KAFKA_SASL"),
        (KafkaError._SSL, BrokerRefused, "HOMEOSTAT_KAFKA_SSL"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, NotAuthorized, "grant"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, NotAuthorized, "grant"),
        (KafkaError.UNSUPPORTED_VERSION, BrokerTooOld, "3.0"),
        (KafkaError.POLICY_VIOLATION, BrokerFailed, "policy"),
    ],
)
def test_each_code_has_its_error(code: int, error: type[HomeostatError], says: str) -> None:
    """The exact class, the servers, and what to do."""
    found = error_of("b:9092", KafkaException(KafkaError(code)))

    assert type(found) is error
    assert "b:9092" in str(found)
    assert says.lower() in str(found).lower()


def test_what_the_client_saw_beside_a_time_out_is_its_cause() -> None:
    """A broker that closes the door on us shows in the call as a time-out only."""
    late, refused = KafkaError(KafkaError._TIMED_OUT), KafkaError(KafkaError._AUTHENTICATION, "wrong password")

    found = error_of("b", late, [KafkaError(KafkaError._TRANSPORT, "closed"), refused])

    assert type(found) is BrokerRefused
    assert "wrong password" in str(found)
    assert "closed" in str(error_of("b", late, [KafkaError(KafkaError._TRANSPORT, "closed")]))


def test_what_passes_is_asked_again() -> None:
    """A broker that starts says that it is not the leader, a few times."""
    answers = [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART, None]

    def question() -> str:
        code = answers.pop(0)
        if code is not None:
            raise KafkaException(KafkaError(code))
        return "yes"

    assert asked(question, "b") == "yes"


def test_what_does_not_pass_is_not_asked_again() -> None:
    """It is raised at once, as ours."""
    calls = []

    def question() -> None:
        calls.append(1)
        raise KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))

    with pytest.raises(NotAuthorized):
        asked(question, "b")
    assert len(calls) == 1


def test_it_is_not_asked_for_ever() -> None:
    """Then Kafka's own word is raised."""

    def question() -> None:
        raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))

    with pytest.raises(KafkaException):
        insist(question, seconds=0.0)
