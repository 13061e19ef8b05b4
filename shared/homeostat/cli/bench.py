"""`homeostat bench NAME`: measure on this machine, beside references measured in the same run."""

import json
from pathlib import Path
from typing import Annotated

import typer


def bench(
    name: Annotated[str, typer.Argument(help="pipeline, scale or learning.")] = "pipeline",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the rows here, too, as a JSON list.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small numbers, one run each: that it works.")] = False,
) -> None:
    """Measure throughput, latency, recovery, memory and learning; needs no running system and leaves nothing behind.

    Examples: [bold]homeostat bench pipeline[/bold], [bold]homeostat bench scale --json scale.json[/bold]
    """
    import logging

    import structlog

    from homeostat.bench import NAMES, run
    from homeostat.cli.exits import usage
    from homeostat.cli.output import hint, table

    if name not in NAMES:
        raise usage(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    found = []
    for row in run(name, is_quick=quick, say=hint):
        hint(f"  {row.name}: {'-' if row.value is None else f'{row.value:,.4g}'} {row.unit}")
        found.append(row.as_dict())
        if json_file is not None:  # after each row: a long run that is broken off has told something
            json_file.write_text(json.dumps(found, indent=1) + "\n")
    table(list(found[0]), [[_figure(value) for value in row.values()] for row in found], title=f"bench {name}")


def _figure(value: object) -> object:
    """Write a measured number with four significant digits and no exponent; leave the rest."""
    if not isinstance(value, float):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
