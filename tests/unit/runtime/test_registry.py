"""A package that is installed joins: its fold, its hand, its target; one that must not is refused by name."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.support import histories
from tests.support.hand_shop import FAMILY, MODEL, NOTARY, NOW, OWN, record
from tests.support.sample import installed

from homeostat.audit.roles import SERVICE_ROLES
from homeostat.events import Band, ThresholdSet
from homeostat.events.logs import INDICATORS, POLICIES, POLICY_THRESHOLD, QUARANTINE, SNAPSHOTS, TIMELINE, VERDICTS
from homeostat.runtime import registry
from homeostat.runtime.cluster import Cluster, TopicFacts
from homeostat.runtime.declarations import FoldEntry, HandEntry
from homeostat.runtime.environment import VariableUnknown, check_environment
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.process import Context
from homeostat.runtime.replay import replay
from homeostat.runtime.settings import HostSettings
from homeostat.serving import Deployment
from homeostat.testing.conformance import CHECKS, Check
from homeostat_tools.cli import checks
from homeostat_tools.cli.checks import broker
from homeostat_tools.local_stack.access import access_of
from homeostat_tools.local_stack.services import Pack, packs, topics

HISTORIES = Path(__file__).parents[2] / "replay" / "histories"


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The sample package in the path."""
    with installed(tmp_path / "installed", monkeypatch) as folder:
        yield folder


def declare(folder: Path, group: str, name: str, declaration: str) -> None:
    """Add a declaration to the installed package."""
    with (folder / "served_rows" / "declarations.py").open("a", encoding="utf-8") as file:
        file.write("\nfrom homeostat.events.logs import Log\nfrom homeostat.runtime.declarations import *\n")
        file.write(f"{name.upper()} = {declaration}\n")
    (points,) = folder.glob("*.dist-info/entry_points.txt")
    points.write_text(f"[{group}]\n{name} = served_rows.declarations:{name.upper()}\n", "utf-8")


def test_what_is_installed_is_known_everywhere(sample: Path) -> None:
    """Behind ours: a fold with its snapshots, a hand with its key, a process each, rights, a target."""
    assert list(registry.folds())[-1] == "served_rows"
    assert registry.folds()["served_rows"].requirement == "served-rows"
    assert registry.signer_roles() == SERVICE_ROLES | {"band_notes": "hand:band_notes"}
    assert packs()[-2:] == packs(is_packed=False)[-2:]
    assert packs()[-2:] == (Pack("served-rows", ("served_rows",)), Pack("band-notes", ("band_notes",)))
    assert f"{SNAPSHOTS}served_rows" in [spec.name for spec in topics(3)]
    assert access_of("served-rows").writes == (QUARANTINE, TIMELINE, INDICATORS, f"{SNAPSHOTS}served_rows")
    assert access_of("band-notes").reads == (POLICY_THRESHOLD,)
    assert set(registry.targets()) == {"embedded", "deployment_notes"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_fold_conforms(sample: Path, check: Check) -> None:
    """On the recorded timeline, as ours do."""
    entry = registry.folds()["served_rows"]
    for _, records in sorted(histories.history_of(registry.make_fold(entry), HISTORIES).items()):
        check(lambda: registry.make_fold(entry), records)


def test_the_fold_emits_its_indicator(sample: Path) -> None:
    """The checks above see something."""
    fold = registry.make_fold(registry.folds()["served_rows"])

    outputs = [
        output
        for _, records in histories.history_of(fold, HISTORIES).items()
        for output in replay(fold, records, histories.n_partitions)
    ]

    assert len(outputs) > 5
    assert {output.topic for output in outputs} == {INDICATORS}


def context(folder: Path) -> Context:
    return Context(HostSettings(data_dir=folder), cast(Cluster, SimpleNamespace()))


def test_the_hand_obeys_a_command(sample: Path, tmp_path: Path) -> None:
    """Behind the same guard as ours: what the notary has signed is carried out, other records are not."""
    hand: Any = registry.load(registry.hands()["band_notes"].make)(context(tmp_path))
    runner = HandRunner(hand, public_keys={NOTARY.key_id: NOTARY.public_key_hex}, key=OWN)
    band = Band(signal="errors", rate=0.03, low=0.1, high=0.2, eta=0.1)
    approved = ThresholdSet(action="l#1.0", verdict="v", family=FAMILY, model=MODEL, expires_at=NOW, band=band)

    runner.take(record(approved, 1, key=None, topic=POLICY_THRESHOLD), now=0)
    runner.start_ready(0)
    assert not (tmp_path / "band-notes" / "bands.json").exists()
    runner.take(record(approved, 2, topic=POLICY_THRESHOLD), now=0)
    runner.start_ready(0)

    assert '"signal": "errors"' in (tmp_path / "band-notes" / "bands.json").read_text()


def test_the_target_is_fenced(sample: Path, tmp_path: Path) -> None:
    """A deployment of an earlier sequence does not act."""
    target = registry.load(registry.target("deployment_notes").make)(context(tmp_path))

    assert target.apply("acme/m", Deployment("/s", "2", "v2"))
    assert not target.apply("acme/m", Deployment("/s", "1", "v1"))


def test_a_target_that_nobody_has_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With those there are."""
    from homeostat.services.rollout_actuator.wiring import rollout_actuator

    monkeypatch.setenv("HOMEOSTAT_ROLLOUT_ACTUATOR_TARGET", "elsewhere")

    with pytest.raises(registry.TargetUnknown, match="no target 'elsewhere'; there are embedded"):
        rollout_actuator(context(tmp_path))


def test_its_settings_are_variables_that_set_something(sample: Path) -> None:
    """And a misspelt one is still refused."""
    check_environment({"HOMEOSTAT_BAND_NOTES_FILE": "x"})
    with pytest.raises(VariableUnknown, match="HOMEOSTAT_BAND_NOTES_FILE"):
        check_environment({"HOMEOSTAT_BAND_NOTES_FIEL": "x"})


@pytest.mark.parametrize(
    ("group", "declaration", "why"),
    [
        ("folds", "FoldEntry(name='drift_detector', make='a:b', topic='homeostat.timeline')", "homeostat has one"),
        ("folds", "FoldEntry(name='x', service='intake', make='a:b', topic='t')", "the service intake is homeostat's"),
        ("folds", f"FoldEntry(name='x', make='a:b', topic='t', writes=('{VERDICTS}',))", VERDICTS),
        ("folds", f"FoldEntry(name='x', make='a:b', topic='t', writes=('{POLICIES[0]}',))", POLICIES[0]),
        ("folds", "FoldEntry(name='x', make='a:b', topic='t', signed_by='notary')", "the key of notary"),
        ("folds", "TargetEntry(name='x', make='a:b')", "no FoldEntry"),
        ("folds", "FoldEntry(name='x', make='a:b', topic='t', creates=(Log('x', 'log', '', ''),))", "it creates x"),
        ("folds", f"FoldEntry(name='x', make='a:b', topic='t', creates=(Log('{TIMELINE}', 'log', '', ''),))", TIMELINE),
        ("hands", "HandEntry(name='x', make='a:b', obeys=('homeostat.timeline',))", "a hand obeys some of"),
        ("folds", "1 / 0", "ZeroDivisionError"),
    ],
)
def test_what_must_not_run_is_refused_with_the_package(sample: Path, group: str, declaration: str, why: str) -> None:
    """And what to do; but services of ours are still found."""
    declare(sample, f"homeostat.{group}", "bad", declaration)

    with pytest.raises(registry.DeclarationInvalid, match=r"pip uninstall served-rows") as invalid:
        registry.services()
    assert why in str(invalid.value)
    assert registry.service("governor").folds[0].name == "governor"


def test_a_doctor_looks_for_the_topics_that_a_fold_creates(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for those of the catalogue: that it is there, and how it is kept."""
    log = "Log('homeostat.scores', 'log', 'scope/model', 'scores')"
    declare(
        sample,
        "homeostat.folds",
        "scorer",
        f"FoldEntry(name='scorer', make='a:b', topic='{TIMELINE}', creates=({log},))",
    )
    facts = {spec.name: TopicFacts(spec.name, spec.partitions, dict(spec.config)) for spec in topics(2)}
    monkeypatch.setattr("homeostat.runtime.cluster.Cluster", lambda _: SimpleNamespace(group_protocol="consumer"))
    monkeypatch.setattr("homeostat.runtime.topic_monitor.facts_of", lambda _: facts)

    def looked_at() -> list[tuple[str, str, str]]:
        found = broker.topics(cast(checks.Context, SimpleNamespace(settings=None)))
        return [(check.verdict, check.name, check.mend) for check in found]

    assert [verdict for verdict, _, _ in looked_at()] == ["ok"]
    facts["homeostat.scores"] = TopicFacts("x", 2, {"cleanup.policy": "compact"})
    assert looked_at() == [("fail", "topic homeostat.scores", "homeostat topics repair")]
    del facts["homeostat.scores"]
    assert looked_at() == [("fail", "topics", "homeostat topics create")]


def test_a_service_that_nobody_has_is_named() -> None:
    """With those there are."""
    with pytest.raises(registry.ServiceUnknown, match="no service 'nothing'; there are intake, "):
        registry.service("nothing")


def test_a_declaration_fills_in_what_is_usual() -> None:
    """Service and group are the name."""
    fold = FoldEntry(name="my_fold", make="m:C", topic=TIMELINE)
    hand = HandEntry(name="my_hand", make="m:f", obeys=(POLICY_THRESHOLD,))

    assert (fold.service, fold.group, hand.service, hand.group) == ("my_fold", "my-fold", "my_hand", "my-hand")


def test_a_process_says_what_a_missing_module_comes_with(sample: Path) -> None:
    """Of a package of others its own name."""
    (sample / "served_rows" / "fold.py").write_text("import nothing_of_the_kind\n", "utf-8")
    script = (
        "from homeostat.runtime import process; from homeostat.runtime.settings import HostSettings as S\n"
        "process.build(['served_rows'], process.Context(S(), None))"
    )

    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=env)

    assert "service served_rows: No module named 'nothing_of_the_kind'; pip install 'served-rows'" in done.stderr
