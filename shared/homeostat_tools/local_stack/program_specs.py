"""How a program that runs beside the services is started."""

import sys

from homeostat.runtime.declarations import ProgramEntry
from homeostat.runtime.settings import HostSettings
from homeostat_tools.local_stack.ports import LOOPBACK
from homeostat_tools.local_stack.process import ProcessSpec
from homeostat_tools.local_stack.scram import ScramUsers


def spec_of(
    name: str, program: ProgramEntry, port: int, settings: HostSettings, users: ScramUsers | None
) -> ProcessSpec:
    """Return its command line, and what only it has in its environment.

    Args:
        name: Of the program.
        program: Its declaration.
        port: That it listens at, on this machine.
        settings: Of the stack.
        users: Of the broker; None where nobody is asked who he is.
    """
    chosen = {
        "port": port,
        "data_dir": settings.data_dir,
        "store": settings.store_url,
        "token": settings.token_file,
    }
    options = (option.format_map(chosen) for option in program.options)
    own: dict[str, str] = {}
    if users is not None and program.writes:
        own |= users.environment(name)
        if program.token_variable:
            own[program.token_variable] = str(settings.keys_dir / f"{name}.token")
    ready = f"http://{LOOPBACK}:{port}{program.ready}"
    return ProcessSpec(name, (sys.executable, "-m", program.make, *options), own, ready)
