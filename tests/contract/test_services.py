"""One folder = one service = one extra = one group: what the stack, the metadata and the code say is the same."""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from homeostat.events.logs import DOORS, HAND_OF, POLICIES, REPORTS, REQUESTS, TELEMETRY, TRACES
from homeostat.runtime import registry
from homeostat.runtime.settings import HostSettings
from homeostat_tools.cli.folds import fold_of
from homeostat_tools.local_stack.services import packs

ROOT = Path(__file__).parents[2]
FOLDS, HANDS, SERVICES = registry.folds(), registry.hands(), registry.services()
PROGRAMS = {program.service for program in registry.programs().values()}
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

    assert (fold.name, fold.log) == (name, FOLDS[name].topic)


@pytest.mark.parametrize("name", HANDS)
def test_a_hand_obeys_what_the_governor_believes_it_on(name: str) -> None:
    """What is declared agrees with whose reports on a policy topic are believed."""
    assert {HAND_OF[topic] for topic in HANDS[name].obeys} == {name}
    assert registry.signer_roles()[name] == f"hand:{name}"


def test_the_declarations_are_read_without_what_the_services_need() -> None:
    """No river, no torch, no HTTP server, no broker: a list of services costs nothing."""
    heavy = ("river", "torch", "starlette", "uvicorn", "safetensors", "confluent_kafka")
    script = (
        "import sys; from homeostat.runtime import registry as r; r.services(); r.targets(); r.signer_roles(); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "shared")}

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env)

    assert done.stdout.strip() == "[]"


def test_every_topic_of_a_policy_has_a_hand_and_nobody_else_declares_that_it_writes_one() -> None:
    """The governor writes them."""
    assert sorted(topic for hand in HANDS.values() for topic in hand.obeys) == sorted(POLICIES)
    assert {fold.name for fold in FOLDS.values() if set(fold.writes) & set(POLICIES)} == {"governor"}


def test_every_folder_is_started_once() -> None:
    """Packed or each by itself; intake twice, each door once."""
    doors = sorted(entry.topic for entry in FOLDS.values() if entry.topic in DOORS)
    for some in (packs(), packs(is_packed=False)):
        started = [service for pack in some for service in pack.services]

        assert sorted({*started, *PROGRAMS}) == sorted({*SERVICES, *PROGRAMS}) == FOLDERS
        assert [service for service in FOLDERS if started.count(service) > 1] == ["intake"]
        assert sorted(f"homeostat.{door}" for pack in some for door in pack.doors) == doors
        assert len({pack.name for pack in some}) == len(some)


def test_what_shares_a_process_does_not_take_the_law_or_the_proof_down() -> None:
    """The governor shares one with the door of people alone, the auditor with nobody."""
    packed = {service: pack for pack in packs() for service in pack.services if service in ("governor", "auditor")}

    assert (packed["governor"].services, packed["governor"].doors) == (("intake", "governor"), ("requests",))
    assert packed["auditor"].services == ("auditor",)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_service_has_an_extra_and_is_in_all(folder: str) -> None:
    """Its folder's name, with dashes."""
    extras = PROJECT["optional-dependencies"]
    extra = folder.replace("_", "-")

    assert extra in extras
    assert any(extra in line.partition("[")[2].rstrip("]").split(",") for line in extras["all"])


@pytest.mark.parametrize("folder", sorted({*FOLDERS} - PROGRAMS))
def test_a_service_can_be_started(folder: str) -> None:
    """`python -m homeostat.services.<folder>` calls `main` with its own name; what is declared is in its folder."""
    assert folder in strings(ROOT / "services" / folder / "__main__.py")
    for entry in SERVICES[folder].entries:
        path = Path("shared", *entry.make.partition(":")[0].split(".")).with_suffix(".py")
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        assert entry.make.partition(":")[2] in [getattr(node, "name", "") for node in tree.body]


@pytest.mark.parametrize("name", FOLDS)
def test_a_service_is_one_consumer_group(name: str) -> None:
    """Named as its folder; but the door of people shares its group with no other."""
    folder = FOLDS[name].service

    assert name.partition(".")[0] == folder
    assert FOLDS[name].group == ("intake-requests" if name == "intake.requests" else folder.replace("_", "-"))


def test_an_intake_guards_the_doors_it_is_told_to(tmp_path: Path) -> None:
    """All without a word; requests in a group of their own; a door that does not exist is said."""
    from homeostat.runtime.cluster import Cluster
    from homeostat.runtime.kafka import KafkaHost
    from homeostat.runtime.process import Context, build

    def guarded(**named: str) -> dict[str, list[str]]:
        settings = HostSettings(bootstrap_servers="127.0.0.1:1", data_dir=tmp_path, **named)  # type: ignore[arg-type]
        hosts = build(["intake"], Context(settings, Cluster(settings)))
        return {host.service: [f.log for f in host.folds] for host in hosts if isinstance(host, KafkaHost)}

    machines = [TELEMETRY, TRACES, REPORTS]
    assert guarded() == {"intake": machines, "intake-requests": [REQUESTS]}
    assert guarded(intake_doors="requests") == {"intake-requests": [REQUESTS]}
    assert guarded(intake_doors="telemetry, traces,reports") == {"intake": machines}
    for wrong in ("", "request", "requests,requests"):
        with pytest.raises(ValidationError, match="name each door once"):
            guarded(intake_doors=wrong)
