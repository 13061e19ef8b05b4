"""What a client raises besides `Reject`: records that did not arrive, and a key that is missing.

Retry
└── DeliveryFailed   records were not acknowledged; `Client.resend` takes the error
    └── QueueFull    so many wait that this one was not taken
Halt
└── KeyNeeded        a request must be signed

`homeostat.commands` has `NotaryKeyMissing`, a `Halt` too: commands cannot be checked.
"""

from collections.abc import Sequence

from homeostat.codec import Output
from homeostat.core import Halt, Retry


class DeliveryFailed(Retry):
    """Records were not acknowledged. They may be in the log or not: `Client.resend(error)` says the same again.

    Operator: see the reason; check the broker, the rights of this client, and the size of the records.

    Args:
        n_records: How many.
        reason: Why, by the broker or by the client.
        outputs: Those that were given up; what still waits is not among them.
    """

    def __init__(self, n_records: int, reason: str, outputs: Sequence[Output] = ()) -> None:
        todo = "then pass this error to Client.resend" if outputs else "they still wait: call flush again"
        super().__init__(f"{n_records} records were not acknowledged ({reason}); check the broker, {todo}")
        self.n_records, self.reason, self.outputs = n_records, reason, tuple(outputs)


class QueueFull(DeliveryFailed):
    """As many records wait for the broker as this client keeps, and none has gone out for a while.

    Operator: check the broker; or publish less, in larger calls.

    Args:
        n_records: That wait; they go on waiting.
        seconds: That this one was held for.
        output: This one: it was not taken.
    """

    def __init__(self, n_records: int, seconds: float, output: Output) -> None:
        reason = f"its queue is full: {n_records} others wait, none has left for {seconds:g} s, this one was not taken"
        super().__init__(1, reason, (output,))
        self.n_waiting = n_records


class KeyNeeded(Halt):
    """A request must be signed, and the client has no key.

    Operator: `homeostat keys create NAME`, then `Client(key=Path(".homeostat/keys/NAME.pem"))`.
    """

    def __init__(self) -> None:
        super().__init__("a request is signed: make a key with `homeostat keys create NAME` and pass key=<its file>")
