"""ACLs in the forms that Kafka takes: lines of `kafka-acls`, JSON, and bindings that are created at a broker."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from homeostat_tools.local_stack.access import Rule
from homeostat_tools.local_stack.errors import KafkaUnavailable

_SECONDS: Final = 30.0
_TYPES: Final = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "cluster": ResourceType.BROKER}
_WORDS: Final = {"alter_configs": "AlterConfigs", "describe_configs": "DescribeConfigs"}


def command(principal: str, rule: Rule) -> str:
    """One line of `kafka-acls`; where the broker is, and as whom to ask it, stand in variables."""
    words = ["kafka-acls", "--add", "--allow-principal", principal]
    for operation in rule.operations:
        words += ["--operation", _WORDS.get(operation, operation.capitalize())]
    words += ["--cluster"] if rule.resource == "cluster" else [f"--{rule.resource}", rule.name]
    if rule.is_prefix:
        words += ["--resource-pattern-type", "prefixed"]
    return f'{shlex.join(words)} --bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN"'


def rows(principal: str, rule: Rule) -> list[dict[str, str]]:
    """One object for each operation, by Kafka's names."""
    pattern = "PREFIXED" if rule.is_prefix else "LITERAL"
    return [
        {
            "principal": principal,
            "host": "*",
            "resource_type": rule.resource.upper(),
            "resource": rule.name,
            "pattern_type": pattern,
            "operation": operation.upper(),
            "permission": "ALLOW",
        }
        for operation in rule.operations
    ]


def apply(client: Mapping[str, Any], rules: Mapping[str, Iterable[Rule]]) -> int:
    """Create ACLs at a broker; what is there stays, and is not counted twice by Kafka.

    Args:
        client: Settings of librdkafka, of somebody who may alter the cluster.
        rules: By principal, as `User:intake`.

    Returns:
        How many bindings.

    Raises:
        KafkaUnavailable: The broker does not answer, has no authorizer, or forbids it.
    """
    bindings = [binding for principal, some in rules.items() for rule in some for binding in _bindings(principal, rule)]
    try:
        admin = AdminClient({**client, "log_level": 0})
        for done in admin.create_acls(bindings, request_timeout=_SECONDS).values():
            done.result()
    except KafkaException as error:
        raise KafkaUnavailable(
            f"The ACLs could not be created at {client['bootstrap.servers']}: {error.args[0].str()}.",
            "The broker needs an authorizer, and this client the right to alter the cluster.",
        ) from error
    return len(bindings)


def _bindings(principal: str, rule: Rule) -> list[AclBinding]:
    pattern = ResourcePatternType.PREFIXED if rule.is_prefix else ResourcePatternType.LITERAL
    return [
        AclBinding(
            _TYPES[rule.resource],
            rule.name,
            pattern,
            principal,
            "*",
            AclOperation[operation.upper()],
            AclPermissionType.ALLOW,
        )
        for operation in rule.operations
    ]
