"""The meta-dataset: complete, of many kinds, with tasks held out."""

from collections.abc import Iterator

from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS
from homeostat_tools.cli.checks.check import Check, Context, ok, warn


def dataset(context: Context) -> Iterator[Check]:
    """What `homeostat dataset report` worries about."""
    from homeostat_tools.cli.metadataset import reports

    found = reports(context.events(EXPERIENCE), context.events(INDICATORS), context.events(GOVERNANCE))
    for report in found:
        for problem in report.problems:
            yield warn("dataset", f"{report.family}: {problem}", f"homeostat dataset report {report.family}")
    if found and not any(report.problems for report in found):
        yield ok("dataset", f"{len(found)} families, nothing to worry about")
