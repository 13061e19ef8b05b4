"""One folder = one service = one extra = one group: what the stack, the metadata and the code say is the same."""

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from homeostat.events.logs import DOORS, REPORTS, REQUESTS, TELEMETRY, TRACES
from homeostat.runtime.settings import HostSettings
from homeostat_tools.cli import folds as cli
from homeostat_tools.cli.folds import fold_of, group_of
from homeostat_tools.local_stack.services import FOLDS, PACKED, SERVICES, SINGLE

ROOT = Path(__file__).parents[2]
TARGETS = {"model_server"}
"""What the stack starts beside the services that read logs: no fold and no hand."""

FOLDERS = sorted(path.parent.name for path in (ROOT / "services").glob("*/__init__.py"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def strings(path: Path) -> set[str]:
    """Every string literal of a module."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("name", FOLDS)
def test_a_fold_is_what_the_stack_says(name: str) -> None:
    """Its name and the log it reads decide which topics are created."""
    fold = fold_of(name)

    assert (fold.name, fold.log) == (name, FOLDS[name])


def test_the_command_line_knows_every_fold() -> None:
    """And no other one."""
    assert list(cli.FOLDS) == list(FOLDS)


def test_every_folder_is_started_once() -> None:
    """Packed or each by itself; intake twice, each door once."""
    doors = sorted(log for log in FOLDS.values() if log in DOORS)
    for packs in (PACKED, SINGLE):
        started = [service for pack in packs for service in pack.services]

        assert sorted({*started, *TARGETS}) == sorted({*SERVICES, *TARGETS}) == FOLDERS
        assert [service for service in FOLDERS if started.count(service) > 1] == ["intake"]
        assert sorted(f"homeostat.{door}" for pack in packs for door in pack.doors) == doors
        assert len({pack.name for pack in packs}) == len(packs)


def test_what_shares_a_process_does_not_take_the_law_or_the_proof_down() -> None:
    """The governor shares one with the door of people alone, the auditor with nobody."""
    packs = {service: pack for pack in PACKED for service in pack.services if service in ("governor", "auditor")}

    assert (packs["governor"].services, packs["governor"].doors) == (("intake", "governor"), ("requests",))
    assert packs["auditor"].services == ("auditor",)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_service_has_an_extra_and_is_in_all(folder: str) -> None:
    """Its folder's name, with dashes."""
    extras = PROJECT["optional-dependencies"]
    extra = folder.replace("_", "-")

    assert extra in extras
    assert any(extra in line.partition("[")[2].rstrip("]").split(",") for line in extras["all"])


@pytest.mark.parametrize("folder", sorted({*FOLDERS} - TARGETS))
def test_a_service_can_be_started(folder: str) -> None:
    """`python -m <folder>` calls `main` with its own name, and the stack finds `services` in it."""
    path = ROOT / "services" / folder / "__main__.py"
    functions = [node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]

    assert "services" in functions
    assert folder in strings(path)


@pytest.mark.parametrize("name", FOLDS)
def test_a_service_is_one_consumer_group(name: str) -> None:
    """The group that the host joins is the one that the command line asks for the lag."""
    folder = cli.FOLDS[name].partition(":")[0].rpartition(".")[2]

    assert group_of(name) in (folder.replace("_", "-"), "intake-requests")
    assert group_of(name) in strings(ROOT / "services" / folder / "__main__.py")


def test_an_intake_guards_the_doors_it_is_told_to(tmp_path: Path) -> None:
    """All without a word; requests in a group of their own; a door that does not exist is said."""
    from homeostat.runtime.cluster import Cluster
    from homeostat.runtime.kafka import KafkaHost
    from homeostat.runtime.process import Context
    from homeostat.services.intake.__main__ import services

    def guarded(**named: str) -> dict[str, list[str]]:
        settings = HostSettings(bootstrap_servers="127.0.0.1:1", data_dir=tmp_path, **named)  # type: ignore[arg-type]
        hosts = services(Context(settings, Cluster(settings)))
        return {host.service: [f.log for f in host.folds] for host in hosts if isinstance(host, KafkaHost)}

    machines = [TELEMETRY, TRACES, REPORTS]
    assert guarded() == {"intake": machines, "intake-requests": [REQUESTS]}
    assert guarded(intake_doors="requests") == {"intake-requests": [REQUESTS]}
    assert guarded(intake_doors="telemetry, traces,reports") == {"intake": machines}
    for wrong in ("", "request", "requests,requests"):
        with pytest.raises(ValidationError, match="name each door once"):
            guarded(intake_doors=wrong)
