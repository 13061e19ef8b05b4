"""Let a fold begin anew: its stored states are deleted, and it reads its input again."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from homeostat.core import Halt
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.topics import TopicSpec, recreate_topic

_ASK_SECONDS: Final = 4.0


class GroupAtWork(Halt):
    """A service that is to stand still runs.

    Operator: stop it (`homeostat down`), then say it again.
    """

    def __init__(self, group: str, members: list[str]) -> None:
        super().__init__(f"{group} runs ({', '.join(members)}): stop it first, with `homeostat down`")
        self.group, self.members = group, members


def check_stopped(client: Mapping[str, Any], group: str) -> None:
    """See that nobody works in a consumer group.

    Raises:
        GroupAtWork: Somebody does.
        KafkaUnavailable: The broker does not answer, or does not tell.
    """
    settings = dict(client)
    admin = AdminClient(settings | {"log_level": 0})
    try:
        described = admin.describe_consumer_groups([group], request_timeout=_ASK_SECONDS)[group].result()
    except KafkaException as error:
        if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
            return  # it has never run here
        raise KafkaUnavailable(
            f"Who is in the group {group!r} could not be asked at {settings['bootstrap.servers']}: "
            f"{error.args[0].str()}.",
            "Check that the broker runs, and the rights of this client: Describe on the group.",
        ) from error
    if members := sorted(member.client_id for member in described.members):
        raise GroupAtWork(group, members)


def delete_states(client: Mapping[str, Any], group: str, snapshots: TopicSpec) -> None:
    """Delete all states of a fold.

    After a crash in the middle the topic is missing, and `homeostat topics create` makes it.

    Args:
        client: Settings of librdkafka.
        group: Of the service that runs the fold; its members would store their states again.
        snapshots: Topic of the states.

    Raises:
        GroupAtWork, KafkaUnavailable: See `check_stopped`, `recreate_topic`; nothing was deleted then.
    """
    check_stopped(client, group)
    recreate_topic(client, snapshots)
