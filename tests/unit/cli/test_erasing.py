"""`homeostat erase`: says what is kept, until when and why; deletes what nobody else has."""

from tests.unit.cli.system import System

from homeostat.artifacts import FolderStore
from homeostat.events import CandidateTrained
from homeostat.events.logs import GOVERNANCE


def trained(system: System, model: str, artifact: str) -> None:
    """A report of an arm that was trained for a model."""
    report = CandidateTrained(
        action="/a#1.0",
        command="/c#1.0",
        kind="retrain",
        family="team/f",
        model=model,
        arm="warm",
        version="v2",
        artifact=artifact,
        seconds=1.0,
        rows=80,
    )
    system.log.publish(GOVERNANCE, model.partition("/")[0], report, id_=f"t-{model}-{artifact[:4]}", source="/test")


def test_what_is_kept_is_said_and_nothing_deleted(governed: System) -> None:
    """Each log with the number of its records, and until when, or why for ever."""
    store = FolderStore(governed.folder / "artifacts")
    own = store.put(b"own")
    trained(governed, "team/m", own)
    before = [len(list(governed.log.all(name))) for name in governed.log.topics()]

    lines = {line["place"]: line for line in governed.json("erase", "team/m")}

    assert lines["homeostat.timeline"]["why"] == "retention"
    assert lines["homeostat.governance"]["until"] == "for ever"
    assert "hash chain" in lines["homeostat.governance"]["why"]
    assert (lines["artifacts"]["n"], store.exists(own)) == (1, True)
    assert [len(list(governed.log.all(name))) for name in governed.log.topics()] == before


def test_artifacts_are_deleted_unless_another_model_has_them(governed: System) -> None:
    """Of a whole scope; what is nobody's of it stays as it is."""
    store = FolderStore(governed.folder / "artifacts")
    own, shared, foreign = (store.put(content) for content in (b"own", b"shared", b"foreign"))
    trained(governed, "team/m", own)
    trained(governed, "team/m", shared)
    trained(governed, "else/m", shared)
    trained(governed, "else/m", foreign)

    lines = {line["place"]: line for line in governed.json("erase", "team", "--yes")}

    assert [store.exists(digest) for digest in (own, shared, foreign)] == [False, True, True]
    assert lines["artifacts"]["why"] == "1 deleted"
    assert lines["artifacts of others too"]["n"] == 1


def test_what_nobody_knows_is_no_tenant(governed: System) -> None:
    """Exit code 3."""
    governed("erase", "nobody/here", code=3)
