"""A command group that prints every error as one line and turns it into an exit code."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from homeostat_tools.cli.exit_codes import Exit, usage


class Group(TyperGroup):
    """Root of the command line: no traceback, whatever the arguments are."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and exit."""
        from homeostat_tools.cli.failures import explain, is_broken_pipe
        from homeostat_tools.cli.output import problem

        rest: dict[str, Any] = {"complete_var": complete_var, "windows_expand_args": windows_expand_args, **extra}
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **rest)
        try:
            _check_text(sys.argv[1:] if args is None else args)
            sys.exit(super().main(args, prog_name, standalone_mode=False, **rest) or 0)
        except (typer.Abort, EOFError):
            problem("broken off: nothing was answered")
            sys.exit(Exit.FAILED)
        except Exception as error:
            if is_broken_pipe(error):
                raise
            if type(error).__name__ == "NoArgsIsHelpError":  # the help has been printed
                sys.exit(Exit.USAGE)
            code, text = _of_usage(error) if _is_usage(error) else explain(error)
        problem(text)
        sys.exit(code)

    def invoke(self, ctx: Any) -> Any:
        """Run a command, in an environment in which every variable of ours is one."""
        if any(name.upper().startswith("HOMEOSTAT_") for name in os.environ):
            from homeostat.runtime.environment import check_environment

            if ignored := check_environment(os.environ):
                from homeostat_tools.cli.output import hint

                hint(f"set by Kubernetes for Services, no settings: {', '.join(ignored)}")
        return super().invoke(ctx)


def _check_text(args: Sequence[str]) -> None:
    for arg in args:
        try:
            arg.encode()
        except UnicodeEncodeError:
            raise usage(f"an argument is not UTF-8: {arg!r}") from None
        if "\0" in arg:
            raise usage(f"an argument holds a NUL: {arg!r}")


def _is_usage(error: Exception) -> bool:
    """Whether it is one of the errors of the parser of the command line."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _of_usage(error: Any) -> tuple[int, str]:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "homeostat"
    message = " ".join(error.format_message().split()).rstrip(".")
    return error.exit_code, f"{message}; `{path} --help` shows what it takes"
