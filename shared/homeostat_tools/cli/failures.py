"""What went wrong, in one line that says what to do: the last stop of everything that a command raises."""

import errno
import tempfile
import traceback
from typing import Any

from homeostat.core import HomeostatError
from homeostat_tools.cli.exit_codes import Exit, code_of
from homeostat_tools.cli.extras import explain_missing


def explain(error: Exception) -> tuple[Exit, str]:
    """Return the exit code of an error and what to say of it, on one line.

    What nobody has foreseen is a bug: its traceback is kept in a file, whose name is said.
    """
    match error:
        case HomeostatError():
            return code_of(error), str(error)
        case ModuleNotFoundError() if (todo := explain_missing(error.name or "")) is not None:
            return Exit.FAILED, todo
        case FileNotFoundError() | NotADirectoryError() if error.filename is not None:
            return Exit.NOT_FOUND, f"there is no {_path(error)}: check the path"
        case OSError():
            return Exit.FAILED, _of_system(error)
        case RecursionError() | MemoryError():
            return Exit.FAILED, "the input is nested too deeply or too large to be read: send less at once"
    from pydantic import ValidationError  # a command that needs neither has not loaded them
    from pydantic_settings import SettingsError

    if isinstance(error, ValidationError | SettingsError):
        return Exit.USAGE, _of_values(error)
    if type(error).__name__ == "KafkaException":  # the command line does not import the client library
        return Exit.FAILED, f"Kafka: {_of_kafka(error)}; `homeostat doctor` looks what is wrong"
    return Exit.FAILED, _bug(error)


def is_broken_pipe(error: BaseException) -> bool:
    """Whether the reader of the output has gone: nobody is told, as nobody listens."""
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def _path(error: OSError) -> str:
    return str(error.filename)


def _of_system(error: OSError) -> str:
    if error.strerror is None:  # a TimeoutError of ours, which says it all
        return str(error)
    where = f"{_path(error)}: " if error.filename is not None else ""
    return f"{where}{error.strerror}; check the path, its rights and the space left there"


def _of_values(error: Any) -> str:
    from homeostat.codec.decode import first_error

    return f"{getattr(error, 'title', 'the input')}: {first_error(error)}"


def _of_kafka(error: Exception) -> str:
    first: Any = error.args[0] if error.args else error
    return str(first.str()) if hasattr(first, "str") else str(first)


def _bug(error: Exception) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="homeostat-", suffix=".txt", encoding="utf-8", delete=False) as file:
        traceback.print_exception(error, file=file)
    return f"{type(error).__name__}: {error}; this is a bug of Homeostat: please report it, with {file.name}"
