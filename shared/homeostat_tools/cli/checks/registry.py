"""All that is looked at, in the order in which it is said."""

from collections.abc import Iterator
from typing import Final

from homeostat_tools.cli.checks import broker, dataset, files, law, machine, models, operation, processes
from homeostat_tools.cli.checks.check import Check, Context, Finder
from homeostat_tools.cli.checks.check import fail as failed
from homeostat_tools.cli.failures import explain

HERE: Final[tuple[Finder, ...]] = (
    machine.python,
    machine.disk,
    machine.services,
    machine.tools,
    files.folder,
    files.keys,
    files.snapshots_key,
    files.token,
    files.brake,
    processes.processes,
)
"""Needs no broker."""

AT_THE_BROKER: Final[tuple[Finder, ...]] = (broker.topics, broker.clock, broker.access)
"""Needs a broker that answers, not logs in memory."""

IN_THE_LOGS: Final[tuple[Finder, ...]] = (
    law.rate_limit,
    law.objective,
    law.tiers,
    law.owners,
    law.approvers,
    law.hands,
    law.prices,
    law.training_slots,
    models.contracts,
    models.families,
    models.subgroups,
    models.business,
    models.detectors,
    models.deployments,
    dataset.dataset,
    operation.audit,
    operation.quarantine,
    operation.features,
)
"""Mistakes that people regret: they can be seen in what was said."""


def examine(context: Context, *, has_broker: bool) -> Iterator[Check]:
    """Look at everything. What cannot be looked at is a finding itself, and loses no other.

    Args:
        context: What to look at.
        has_broker: The logs lie on a broker, which may be away; else they are in memory.
    """
    yield from _run(HERE, context)
    if has_broker:
        reached = list(_run((broker.broker,), context))
        yield from reached
        if any(check.verdict == "fail" for check in reached):
            return
        at_broker = list(_run(AT_THE_BROKER, context))
        yield from at_broker
        if any(check.name == "topics" and check.verdict == "fail" for check in at_broker):
            return
    yield from _run(IN_THE_LOGS, context)


def _run(finders: tuple[Finder, ...], context: Context) -> Iterator[Check]:
    for finder in finders:
        try:
            yield from finder(context)
        except Exception as error:
            name = finder.__name__.replace("_", " ")
            yield failed(name, f"could not be looked at: {explain(error)[1]}", "homeostat doctor, once that is mended")
