"""A command group that prints errors of ours as one line and turns them into an exit code."""

import os
from typing import Any

import typer
from typer.core import TyperGroup

from homeostat.cli.exits import Exit, code_of
from homeostat.core import HomeostatError


class Group(TyperGroup):
    """Root of the command line: no traceback for what was foreseen."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            if any(name.upper().startswith("HOMEOSTAT_") for name in os.environ):
                from homeostat.host.environment import check_environment

                check_environment(os.environ)
            return super().invoke(ctx)
        except HomeostatError as error:
            code, text = code_of(error), str(error)
        except RuntimeError as error:  # what the stack raises says what to do, and is no HomeostatError
            if type(error).__module__ != "homeostat.stack.errors":
                raise
            code, text = Exit.FAILED, " ".join(str(error).split())
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        from homeostat.cli.output import problem

        problem(text)
        raise typer.Exit(code)
