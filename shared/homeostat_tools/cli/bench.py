"""`homeostat bench NAME`: measure on this machine, beside references measured in the same run."""

import json
from pathlib import Path
from typing import Annotated

import typer

from homeostat_tools.cli.options import writable


def bench(
    name: Annotated[str, typer.Argument(help="pipeline, scale, learning, floods, serving or http.")] = "pipeline",
    json_file: Annotated[
        Path | None, typer.Option("--json", callback=writable, help="Write the rows here, too, as one JSON list.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small numbers, one run each: that it works.")] = False,
) -> None:
    """Measure throughput, latency, recovery, memory, learning, floods; needs no running system, leaves nothing behind.

    Examples: [bold]homeostat bench pipeline[/bold], [bold]homeostat bench scale --json scale.json[/bold]
    """
    import logging

    from homeostat.telemetry.logging import quiet_logging
    from homeostat_lab.bench import NAMES, run
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.cli.extras import SERVICE_EXTRAS, require
    from homeostat_tools.cli.output import hint, say, table

    if name not in NAMES:
        raise usage(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
    require(f"homeostat bench {name}", SERVICE_EXTRAS)
    found = []
    with quiet_logging(logging.WARNING):
        for row in run(name, is_quick=quick, say=hint):
            hint(f"  {row.name}: {'-' if row.value is None else f'{row.value:,.4g}'} {row.unit}")
            found.append(row.as_dict())
            if json_file is not None:  # after each row: a long run that is broken off has told something
                json_file.write_text(json.dumps(found, indent=1) + "\n")
    shown = [name for name in found[0] if name != "excluded"]
    title = f"bench {name}" + (", small numbers and one run: that it works, not how fast" if quick else "")
    table(shown, [[_figure(row[name]) for name in shown] for row in found], title=title)
    for text in dict.fromkeys(f"{row['name']}: {row['excluded']}" for row in found if row["excluded"]):
        say(f"not counted in {text}")


def _figure(value: object) -> object:
    """Write a measured number with four significant digits and no exponent; leave the rest."""
    if not isinstance(value, float):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
