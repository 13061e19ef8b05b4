"""The local stack: a Kafka broker, its topics, and the processes of the services."""

from homeostat.stack.broker import Broker
from homeostat.stack.errors import KafkaUnavailable, StackRunning, TopicMismatch
from homeostat.stack.process import ProcessSpec, ProcessStatus
from homeostat.stack.report import Report, read_report
from homeostat.stack.supervisor import Supervisor
from homeostat.stack.topics import TopicSpec, ensure_topics

__all__ = [
    "Broker",
    "KafkaUnavailable",
    "ProcessSpec",
    "ProcessStatus",
    "Report",
    "StackRunning",
    "Supervisor",
    "TopicMismatch",
    "TopicSpec",
    "ensure_topics",
    "read_report",
]
