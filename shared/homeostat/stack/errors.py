"""What can go wrong while the stack is put up, with what to do about it."""


class KafkaUnavailable(RuntimeError):
    """There is no Kafka to work with.

    Args:
        what: What is missing or broke, one sentence.
        todo: What the operator should do, one sentence.
    """

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(f"{what}\n{todo}")
        self.what, self.todo = what, todo


class TopicMismatch(RuntimeError):
    """A topic exists with another number of partitions.

    A key would move to another partition, and its order would be lost; so nothing is changed.

    Operator: copy the topic into a new one with the wanted number, or correct the catalogue.
    """

    def __init__(self, topic: str, wanted: int, actual: int) -> None:
        super().__init__(
            f"topic {topic!r} has {actual} partitions, the catalogue wants {wanted}; partitions of a live topic are "
            "never changed: copy it into a new topic or correct the catalogue"
        )
        self.topic, self.wanted, self.actual = topic, wanted, actual
