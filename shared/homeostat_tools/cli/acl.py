"""`homeostat acl`: what each service and role may do at the broker, as ACLs."""

import sys
from typing import Annotated, Final, Literal

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir

_NOTE: Final = "# BOOTSTRAP=host:port; ADMIN=file with the settings of a user that may alter the cluster\n"


def acl(
    principals: Annotated[
        list[str] | None, typer.Argument(help="Services (intake, …) and roles (source, operator, …); default: all.")
    ] = None,
    form: Annotated[
        Literal["commands", "json"], typer.Option("--format", help="Lines of kafka-acls, or a line of JSON for each.")
    ] = "commands",
    prefix: Annotated[
        str, typer.Option("--principal-prefix", help="What the names of your users begin with, as in User:homeostat-.")
    ] = "User:",
    apply: Annotated[bool, typer.Option("--apply", help="Create them at the broker, too.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Print the ACLs of every service, program and role: what each reads, writes and joins, and nothing else.

    The user of a service is its name with dashes. Topics are created by an administrator, who needs no rule here.
    """
    from homeostat_tools.cli.connection import settings_of
    from homeostat_tools.cli.output import as_json, hint
    from homeostat_tools.local_stack import acls
    from homeostat_tools.local_stack.access import ROLE_ACCESS, access_of, program_access, rules_of, service_access

    names = principals or [*service_access(), *program_access(), *ROLE_ACCESS]
    rules = {f"{prefix}{name.replace('_', '-')}": (access_of(name), rules_of(access_of(name))) for name in names}
    if form == "commands":
        sys.stdout.write(_NOTE)
    for principal, (access, some) in rules.items():
        if form == "commands":
            sys.stdout.write(f"# {principal}: {access.purpose}\n")
        for rule in some:
            if form == "commands":
                sys.stdout.write(f"{acls.command(principal, rule)}\n")
                continue
            for row in acls.rows(principal, rule):
                as_json(row)
    if apply:
        n = acls.apply(settings_of(data_dir).client(), {principal: some for principal, (_, some) in rules.items()})
        hint(f"{n} ACLs are in force for {len(rules)} principals")
