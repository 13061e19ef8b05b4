"""What Kafka says when it does not do what was asked, each with its own error: who has to do what."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, TypeVar

from confluent_kafka import KafkaError, KafkaException

from homeostat.core import Halt, HomeostatError, Missing, Retry
from homeostat.core.backoff import Backoff, retry

T = TypeVar("T")
_RETRY_SECONDS: Final = 30.0
_FIRST_PAUSE_SECONDS: Final = 0.1
_MOST_PAUSE_SECONDS: Final = 1.0


class BrokerUnreachable(Retry):
    """No broker answers, or none that can be used; what it says in that case is a subclass.

    Operator: check HOMEOSTAT_BOOTSTRAP_SERVERS, or run `homeostat up`.
    """

    said: ClassVar[str] = "no Kafka broker answers at {servers} ({reason}); check the address, or run `homeostat up`"

    def __init__(self, servers: str, reason: str) -> None:
        super().__init__(self.said.format(servers=servers, reason=reason))
        self.servers, self.reason = servers, reason


class BrokerRefused(BrokerUnreachable):
    """A broker answers, and does not let us in: authentication, or a certificate. It may be mended on the other side.

    Operator: check the HOMEOSTAT_KAFKA_… settings: security protocol, mechanism, user, password, certificates.
    """

    said = (
        "Kafka at {servers} does not let us in ({reason}); check HOMEOSTAT_KAFKA_SECURITY_PROTOCOL, "
        "HOMEOSTAT_KAFKA_SASL_… and HOMEOSTAT_KAFKA_SSL_…"
    )


class NotAuthorized(BrokerUnreachable):
    """The broker knows us, and forbids it.

    Operator: grant what is named; docs/configuration.md lists what is needed.
    """

    said = "Kafka at {servers} forbids it ({reason}): grant this user what docs/configuration.md lists"


class BrokerFailed(BrokerUnreachable):
    """Kafka says something that is none of the above.

    Operator: read what it says.
    """

    said = "Kafka at {servers} failed: {reason}"


class BrokerTooOld(Halt):
    """The broker does not know a request that is needed.

    Operator: Kafka 3.0 or newer; with HOMEOSTAT_GROUP_PROTOCOL=classic if it is older than 4.0 and says it is not.
    """

    def __init__(self, servers: str, reason: str) -> None:
        super().__init__(
            f"Kafka at {servers} does not know a request ({reason}): it must be 3.0 or newer; before 4.0 set "
            "HOMEOSTAT_GROUP_PROTOCOL=classic"
        )
        self.servers, self.reason = servers, reason


class TopicMissing(Missing, Halt):
    """A topic of the catalogue does not exist.

    Operator: run `homeostat topics create`.
    """

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} does not exist, or may not be seen; run `homeostat topics create`")
        self.topic = topic


_UNREACHABLE: Final = (
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._RESOLVE,
    KafkaError._WAIT_COORD,
    KafkaError._DESTROY,
)
_REFUSED: Final = (
    KafkaError._AUTHENTICATION,
    KafkaError._SSL,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError.ILLEGAL_SASL_STATE,
)
_FORBIDDEN: Final = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
)
_OLD: Final = (KafkaError.UNSUPPORTED_VERSION, KafkaError._UNSUPPORTED_FEATURE)
_PASSING: Final = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.REPLICA_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.OFFSET_NOT_AVAILABLE,
)
"""What a broker says that is starting, or handing a partition over: it is over in a moment."""


def error_of(servers: str, error: KafkaException | KafkaError, seen: Sequence[KafkaError] = ()) -> HomeostatError:
    """Return the error of ours that says who must do what.

    Args:
        servers: That were asked.
        error: What was raised.
        seen: Errors that the client has reported beside it: a broker that closes the door on us shows in the call as a
            time-out only.
    """
    raised: Any = error.args[0] if isinstance(error, KafkaException) else error
    for known in (raised, *seen):
        code, text = known.code(), known.str()
        if code in _REFUSED:
            return BrokerRefused(servers, text)
        if code in _FORBIDDEN:
            return NotAuthorized(servers, text)
        if code in _OLD:
            return BrokerTooOld(servers, text)
    if raised.code() in _UNREACHABLE:
        return BrokerUnreachable(servers, (seen[0] if seen else raised).str())
    return BrokerFailed(servers, raised.str())


def is_passing(error: KafkaError) -> bool:
    """Whether the same question will be answered in a moment."""
    return error.code() in _PASSING or error.retriable()


def insist(question: Callable[[], T], seconds: float = _RETRY_SECONDS) -> T:
    """Ask a broker again and again while it is only starting, or handing a partition over.

    Args:
        question: Raises KafkaException.
        seconds: For how long.

    Raises:
        KafkaException: Something else is wrong, or it lasts.
    """

    def check_passing(error: KafkaException) -> None:
        if not is_passing(error.args[0]):
            raise error

    return retry(question, KafkaException, Backoff(seconds, _FIRST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS), check_passing)


def asked(question: Callable[[], T], servers: str) -> T:
    """Insist on an answer.

    Args:
        question: Raises KafkaException.
        servers: That are asked.

    Raises:
        HomeostatError: See `error_of`.
    """
    try:
        return insist(question)
    except KafkaException as error:
        raise error_of(servers, error) from None
