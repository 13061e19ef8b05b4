"""`homeostat upgrade check`: what becomes of the folds' states, and which events nobody here knows."""

import msgspec
from tests.unit.cli.system import System

from homeostat.codec import Output
from homeostat.core.snapshot import Marker
from homeostat.events.logs import GOVERNANCE, SNAPSHOTS, Log
from homeostat.runtime.version import version_of
from homeostat.services.governor.fold import Governor

TOPIC = f"{SNAPSHOTS}governor"


def store(system: System, version: str, *, is_clean: bool) -> None:
    """A snapshot of the governor."""
    if not system.log.has(TOPIC):
        system.log.create(Log(TOPIC, "snapshots", "", "", 1))
    topics = dict(system.logs.topics()) | {TOPIC: 1}
    system.logs.topics = lambda: topics  # type: ignore[method-assign]  # the catalogue of tests has no snapshots
    marker = Marker(position=2, version=version, is_clean=is_clean, epoch=1)
    system.log.append(Output(TOPIC, 0, b"m|1", msgspec.msgpack.encode(marker), []))


def governor(system: System, code: int = 0) -> dict[str, object]:
    """What is said of it."""
    return next(line for line in system.json("upgrade", "check", code=code) if line["what"] == "governor")


def test_what_was_never_stored_is_folded_from_the_start(governed: System) -> None:
    """And nothing is to be done about it."""
    line = governor(governed)

    assert (line["state"], line["input"], line["do"]) == ("new", "whole", "")
    assert line["refolds"] == len(list(governed.log.all(GOVERNANCE)))


def test_a_clean_snapshot_of_another_version_is_taken_over(governed: System) -> None:
    """One of the same version is just gone on from."""
    store(governed, version_of(Governor()), is_clean=False)
    same = governor(governed)
    store(governed, "another", is_clean=True)
    other = governor(governed)

    assert (same["state"], same["refolds"]) == ("same", len(list(governed.log.all(GOVERNANCE))) - 2)
    assert (other["state"], other["stored"], other["do"]) == ("taken over", "another", "")


def test_an_unclean_one_halts_and_so_does_a_type_of_a_newer_release(governed: System) -> None:
    """Each with what to do; exit code 8."""
    store(governed, "another", is_clean=False)
    governed.log.append(Output(GOVERNANCE, 0, b"team", b"{}", [("ce_type", b"homeostat.action.dreamt.v1")]))

    line = governor(governed, code=8)

    assert line["state"] == "halts"
    assert "homeostat folds rebuild governor" in str(line["do"])
    assert "homeostat.action.dreamt.v1" in governed.stdout
