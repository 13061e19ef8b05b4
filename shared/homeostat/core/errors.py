"""The error tree. Each branch names who must act; every error raised on purpose is of one of them.

HomeostatError
├── Retry      the caller: the same call may succeed later, nothing was lost
├── Reject     quarantine: this input is refused, with a reason code; the log goes on
└── Halt       a human: the process stops before it writes anything wrong

`Missing` marks those, of any branch, that say that what was named does not exist. Outside of the tree stand a test's
simulated crash and its failed checks (`homeostat.testing`), which no host may take for an error of ours.
"""


class HomeostatError(Exception):
    """Base of every error raised on purpose."""


class Retry(HomeostatError):
    """A passing condition: the same call may succeed later, and nothing was lost.

    Who calls tries again, in order and for a bounded time: the host of a hand a command that was not begun, until it
    expires; a command under way until its retry timeout, a run that waits for data until its deadline, a client as it
    likes. A process that a `Retry` reaches the top of ends with code 1 and is started again by what supervises it; it
    goes on from its last marker or committed offset.
    """


class Reject(HomeostatError):
    """An input that cannot be taken. The host quarantines it verbatim with the reason.

    A step raises it before it changes anything: check first, mutate last.

    Args:
        reason: Stable snake_case code; dashboards and replays route on it.
        detail: One sentence for a person: what is wrong and what would be right.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class Halt(HomeostatError):
    """Going on would write something wrong. The message says what an operator should do."""


class Missing:
    """Marks an error of the tree: what was named does not exist."""
