"""Exit codes, and the errors that carry them."""

from enum import IntEnum
from typing import Final

from homeostat.core import Halt, HomeostatError, Missing, Reject


class Exit(IntEnum):
    """What a shell learns; documented in `homeostat --help`."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    DENIED = 4
    PENDING = 5
    UNVERIFIED = 6
    EXPIRED = 7
    OTHER_VERSION = 8


EPILOG: Final = (
    "Data go to stdout, everything else to stderr. Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, "
    "4 denied, 5 pending, 6 verification failed, 7 it cannot be derived any more, 8 another version made it."
)


class CommandFailed(Halt):
    """A command cannot do what was asked.

    Args:
        code: Exit code.
        message: What is wrong, and what to do.
    """

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code


def usage(message: str) -> CommandFailed:
    """The command line is wrong."""
    return CommandFailed(Exit.USAGE, message)


def not_found(message: str) -> CommandFailed:
    """There is no such thing."""
    return CommandFailed(Exit.NOT_FOUND, message)


def code_of(error: HomeostatError) -> Exit:
    """Exit code of any error of ours."""
    if isinstance(error, CommandFailed):
        return error.code
    if isinstance(error, Missing):
        return Exit.NOT_FOUND
    return Exit.USAGE if isinstance(error, Reject | ValueError) else Exit.FAILED
