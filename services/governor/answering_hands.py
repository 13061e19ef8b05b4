"""Which hand answers the commands of a policy topic: the one that signed law names for it, or else ours."""

from collections.abc import Iterable

from homeostat.core import Reject
from homeostat.events.logs import HAND_OF, policy_name
from homeostat.services.governor.keyring import EVERYWHERE, Keyring


def hand_of(keyring: Keyring, log: str, scope: str) -> str:
    """Return whose reports count on a policy topic, as its role says it behind `hand:`.

    Args:
        keyring: Its roles are the law.
        log: A policy topic.
        scope: A scope, or `*`.

    Returns:
        `<service>/<topic>` if somebody was granted that, in the scope itself before everywhere; otherwise our service.
    """
    name = policy_name(log)
    return _named(keyring, name, scope) or _named(keyring, name, EVERYWHERE) or HAND_OF[log]


def check_only_one(keyring: Keyring, roles: Iterable[str], scope: str) -> None:
    """See that roles which are to be granted leave one hand for each policy topic of a scope.

    Two would answer the same command, and the report that came first would end it.

    Args:
        keyring: As it is before.
        roles: Any.
        scope: A scope, or `*`.

    Raises:
        Reject: `hand_named`.
    """
    named = dict[str, str]()
    for hand in (role.removeprefix("hand:") for role in roles if "/" in role):
        topic = hand.partition("/")[2]
        answering = named.setdefault(topic, _named(keyring, topic, scope) or hand)
        if answering != hand:
            why = f"one hand answers {topic} in {scope}, and that is {answering}"
            raise Reject("hand_named", f"{why}: revoke the role hand:{answering}@{scope} first")


def _named(keyring: Keyring, topic: str, scope: str) -> str:
    end = f"@{scope}"
    for granted in keyring.roles.values():
        for entry in granted:
            if entry.endswith(f"/{topic}{end}"):
                return entry.removeprefix("hand:").removesuffix(end)
    return ""
