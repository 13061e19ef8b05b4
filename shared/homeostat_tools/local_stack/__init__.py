"""The local stack: a Kafka broker, its topics, and the processes of the services."""

from homeostat_tools.local_stack.broker import Broker
from homeostat_tools.local_stack.errors import KafkaUnavailable, StackRunning, TopicMismatch
from homeostat_tools.local_stack.process import ProcessSpec, ProcessStatus
from homeostat_tools.local_stack.status_file import Report, read_report
from homeostat_tools.local_stack.supervisor import Supervisor
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics

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
