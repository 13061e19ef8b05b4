"""What a check of the conformance suite asks for, and the error that says it does not hold."""


class NotConforming(AssertionError):
    """A fold breaks what hosts, readers and replays rely on.

    Args:
        rule: Which.
        detail: Where, and what was found.
    """

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule, self.detail = rule, detail


def require(condition: object, rule: str, detail: str) -> None:
    """Raise unless a condition holds.

    Args:
        condition: What must be true.
        rule: Of the suite.
        detail: Where, and what was found.

    Raises:
        NotConforming: It is not.
    """
    if not condition:
        raise NotConforming(rule, detail)
