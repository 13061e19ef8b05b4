"""People's requests: signed, answered by the governor, and told apart by exit codes."""

import json
from pathlib import Path

import pytest
from tests.unit.cli.system import System

from homeostat.audit import keys
from homeostat.audit.keys import Key
from homeostat.audit.roles import SERVICE_ROLES
from homeostat.client.brake import publish_pending, release_brake
from homeostat.codec import Output, encode_payload
from homeostat.codec.encode import encode_headers
from homeostat.core import Event, Identity
from homeostat.events import BrakeConfirmed, BrakeSet, BudgetSet, FreezeSet, RulesSet
from homeostat.events.logs import HAND_OF, POLICIES, REQUESTS, VERDICTS
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.kafka_errors import BrokerUnreachable
from homeostat.runtime.memory import MemoryHands
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.signer import sign_with
from homeostat.testing.enrolled import Enrolled, registration
from homeostat_tools.cli.in_force import in_force
from homeostat_tools.cli.lawfile import read_law
from homeostat_tools.local_stack.braking import PendingBrakes


def test_the_first_key_is_the_root_and_others_need_an_admin(governed: System) -> None:
    """An unsigned second key is not even sent; with `--by` it is in the keyring."""
    governed("keys", "create", "ana", code=2)
    assert "--by" in governed.stderr

    governed("keys", "register", "ana", "--role", "approver", "--by", "operator")
    governed("keys", "register", "ana")

    assert "already" in governed.stderr
    assert {row["name"] for row in governed.json("keys", "show")} == {"operator", "ana"}


def test_a_key_is_made_even_without_a_broker(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on disk, and the command says how to register it later."""
    monkeypatch.setattr(system.logs, "ranges", away)

    system("keys", "create", "ana")

    assert "keys register ana" in system.stderr
    assert (system.folder / "keys" / "ana.pem").exists()


def test_rotation_leaves_the_new_key_in_force_and_the_old_one_not(governed: System) -> None:
    """What the old key signs afterwards is denied."""
    old = (governed.folder / "keys" / "operator.pem").read_bytes()

    governed("keys", "rotate", "operator")

    governed("budget", "team", "10")
    path = governed.folder / "keys" / "old.pem"
    path.write_bytes(old)
    path.chmod(0o600)
    governed("budget", "team", "11", "--key", "old", code=4)
    assert "key_revoked" in governed.stderr


def test_a_key_outside_of_the_keyring_is_rotated_on_disk(governed: System) -> None:
    """The notary's is none of the keyring's: the services are to be started again."""
    old = keys.create(governed.folder / "keys", "notary")

    governed("keys", "rotate", "notary")

    assert "restart the services" in governed.stderr
    assert keys.load(governed.folder / "keys", "notary").key_id != old.key_id
    assert not governed.json("tail", "governance", "-t", "key.revoked")


def test_who_may_not_rotate_changes_nothing(governed: System) -> None:
    """Not even on disk."""
    governed("keys", "create", "ana", "--role", "operator", "--by", "operator")
    before = (governed.folder / "keys" / "ana.pem").read_bytes()

    governed("keys", "rotate", "ana", code=2)

    assert "--by NAME with the key of one of operator" in governed.stderr
    assert (governed.folder / "keys" / "ana.pem").read_bytes() == before
    governed("keys", "rotate", "ana", "--by", "operator")
    assert (governed.folder / "keys" / "ana.pem").read_bytes() != before


def test_what_nobody_signed_for_is_denied(governed: System) -> None:
    """A key outside of the keyring has no say; exit code 4 and the governor's reason."""
    keys.create(governed.folder / "keys", "stranger")

    governed("freeze", "team", "--key", "stranger", code=4)

    assert "key_unknown" in governed.stderr


def test_without_services_a_request_is_pending(governed: System) -> None:
    """Exit code 5, and the hint that nobody reads the door."""
    governed.logs.is_running = False

    governed("freeze", "team", "--timeout", "0", code=5)

    assert "intake has not taken it" in governed.stderr


def test_freeze_denies_and_unfreeze_lets_go(governed: System) -> None:
    """Why names the freeze while it lasts."""
    governed("freeze", "team", "-m", "holiday")
    (answer,) = governed.json("why", "team/m")
    assert answer["because"] == "its scope is frozen"

    governed("unfreeze", "team")

    (answer,) = governed.json("why", "team/m")
    assert answer["facts"]["freeze"] == "none"


class Braking:
    """A hand that does nothing but hold."""

    def __init__(self, name: str, log: str) -> None:
        self.name, self.logs = name, (log,)

    def start(self, command: Event) -> None:
        """Nothing is for it."""


def with_hands(system: System, key: Key | None = None, *, is_signed: bool = True) -> None:
    """Let a hand read each policy log; it signs with its own key, or another, or not at all."""
    people = Enrolled(system.log, keys.load(system.folder / "keys", "operator"))
    for name, role in SERVICE_ROLES.items():
        people.request(registration(people.hands[name], role), "*")
    public = {system.notary.key_id: system.notary.public_key_hex}
    for log, name in HAND_OF.items():
        own = (key or people.hands[name]) if is_signed else None
        hand = Braking(name, log)
        system.logs.loop.hands.append(MemoryHands(system.log, hand, HandRunner(hand, public_keys=public, key=own)))
    system.logs.flush()


def test_freeze_waits_for_every_policy_partition(governed: System) -> None:
    """Pending until hands have confirmed for each partition of each policy log, and the governor has believed them."""
    governed("freeze", "team", "--wait", "--timeout", "0", code=5)
    with_hands(governed)

    governed("freeze", "team", "--wait")

    assert "confirmed by 8 policy partitions" in governed.stdout


@pytest.mark.parametrize("how", ["unsigned", "a stranger's", "the operator's"])
def test_what_no_hand_has_signed_confirms_nothing(governed: System, how: str) -> None:
    """The role of a hand is a key's, not a name's."""
    folder = governed.folder / "keys"
    key = keys.create(folder, "stranger") if how == "a stranger's" else keys.load(folder, "operator")
    with_hands(governed, key, is_signed=how != "unsigned")

    governed("freeze", "team", "--wait", "--timeout", "0.5", code=5)

    assert brakes_said(governed) == 8


def brakes_said(system: System) -> int:
    """Brakes that the governor has set."""
    records = [record for topic in POLICIES for record in system.log.all(topic)]
    return sum(dict(record.headers)["ce_type"] == BrakeSet.TYPE.encode() for record in records)


def confirm_everything(governed: System, key: Key | None = None) -> None:
    """Let the governor accept what hands confirm of each brake, as it comes: with the next flush."""
    settle, log, sign = governed.logs.loop.settle, governed.log, sign_with(key or governed.notary)

    def settle_and_confirm() -> None:
        settle()
        for topic in POLICIES:
            for partition in range(log.n_partitions(topic)):
                for record in log.records(topic, partition):
                    headers = dict(record.headers)
                    if headers["ce_type"] == BrakeSet.TYPE.encode():
                        freeze = json.loads(record.value or b"")["freeze"]
                        confirmed = BrakeConfirmed(
                            hand="h", log=topic, partition=partition, freeze=freeze, scope="team"
                        )
                        log.append(sign(accepted(confirmed, f"{freeze}-{topic}-{partition}")))
        settle()

    governed.logs.loop.settle = settle_and_confirm  # type: ignore[method-assign]  # hands and governor, in three lines


def accepted(confirmed: BrakeConfirmed, id_: str) -> Output:
    """A confirmation as the governor says it on."""
    value, content_type = encode_payload(confirmed)
    headers = encode_headers(
        id_=id_,
        source="/homeostat/governor/homeostat.governance/id/0",
        type_=confirmed.TYPE,
        time=0,
        subject="team",
        content_type=content_type,
        story=Identity("/s#1"),
        cause=Identity("/homeostat/intake.reports/homeostat.reports/id/0#1.0"),
    )
    return Output(VERDICTS, 0, b"team", value, headers)


@pytest.mark.parametrize("who", ["stranger", "operator"])
def test_a_confirmation_that_is_not_the_governors_counts_for_nothing(governed: System, who: str) -> None:
    """Whoever signs it: what lies on the log of verdicts is the notary's, or nobody has accepted it."""
    folder = governed.folder / "keys"
    confirm_everything(governed, keys.create(folder, who) if who == "stranger" else keys.load(folder, who))

    governed("freeze", "team", "--wait", "--timeout", "0.5", code=5)


def test_a_freeze_that_cannot_be_checked_is_sent_and_says_so(governed: System) -> None:
    """Without the notary's public key on this machine nobody is told that it holds, and the governor has it."""
    (governed.folder / "keys" / "notary.pub").unlink()

    governed("freeze", "team", code=5)

    assert "the freeze of team was sent" in governed.stderr
    assert "HOMEOSTAT_NOTARY_KEYS" in governed.stderr
    assert governed.json("why", "team/m")[0]["because"] == "its scope is frozen"


def away(*_: object, **__: object) -> None:
    raise BrokerUnreachable("127.0.0.1:1", "test")


def test_freeze_without_a_broker_brakes_this_machine(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file names the scope, and holds the signed request, which the governor takes later."""
    with monkeypatch.context() as patched:
        patched.setattr(governed.logs, "topics", away)
        governed("freeze", "team")
    path = governed.folder / "brake.json"
    assert json.loads(path.read_text())["scopes"] == ["team"]
    assert not list(governed.log.all(REQUESTS))[1:]

    assert publish_pending(path, governed.logs) == 1

    (answer,) = governed.json("why", "team/m")
    assert answer["because"] == "its scope is frozen"
    assert release_brake(path, "team")
    assert not path.exists()


def test_a_stack_brings_a_freeze_to_the_governor(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is published once; the file brakes until the governor's brake lies in every policy partition."""
    with monkeypatch.context() as patched:
        patched.setattr(governed.logs, "topics", away)
        governed("freeze", "team")
    brakes = PendingBrakes(HostSettings(data_dir=governed.folder), governed.logs)
    path, n_requests = governed.folder / "brake.json", len(list(governed.log.all(REQUESTS)))
    governed.logs.is_running = False

    assert brakes.look() == brakes.look() == []
    assert path.exists()
    governed.logs.is_running = True
    governed.logs.flush()

    assert brakes.look() == ["team"]
    assert not path.exists()
    assert len(list(governed.log.all(REQUESTS))) == n_requests + 1
    assert brakes.look() == []


def test_a_refused_freeze_goes_on_braking_this_machine(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows its key: the file stays until somebody unfreezes."""
    keys.create(governed.folder / "keys", "stranger")
    with monkeypatch.context() as patched:
        patched.setattr(governed.logs, "topics", away)
        governed("freeze", "team", "--key", "stranger")

    assert PendingBrakes(HostSettings(data_dir=governed.folder), governed.logs).look() == []

    assert json.loads((governed.folder / "brake.json").read_text())["scopes"] == ["team"]


def test_the_next_freeze_publishes_what_waited(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the broker back, freezing again brings both requests, and the file goes."""
    with monkeypatch.context() as patched:
        patched.setattr(governed.logs, "topics", away)
        governed("freeze", "other")
        governed("freeze", "team")

    governed("freeze", "team")

    frozen = [event["data"]["scope"] for event in governed.json("tail", "governance", "-t", "freeze.set")]
    assert sorted(frozen) == ["other", "team", "team"]
    assert json.loads((governed.folder / "brake.json").read_text())["scopes"] == ["other"]


def test_an_approval_moves_a_held_action(system: System) -> None:
    """Held for a person, approved by the ending of its id; a second approval is denied."""
    system("keys", "create", "operator")
    system.register(tier="high")
    action = system.propose()
    (answer,) = system.json("why", "team/m")
    assert "held" in answer["because"]

    assert "approved" in system("approve", action[-12:])

    assert system.json("tail", "policy.retrain")[0]["data"]["action"] == action
    system("approve", action, code=4)
    assert "action_unknown" in system.stderr


def test_a_denial_ends_a_held_action(system: System) -> None:
    """The verdict says so."""
    system("keys", "create", "operator")
    system.register(tier="high")
    action = system.propose()

    assert "denied" in system("deny", action)
    system("approve", "no-such-action", code=3)


def test_why_names_the_failing_rule_and_what_would_pass(governed: System) -> None:
    """A denied proposal: rule, value, limit, nearest."""
    governed("budget", "team", "0.5")

    governed.propose()

    (answer,) = governed.json("why", "team/m")
    assert "would pass at 0.5" in answer["facts"]["verdict 1"]
    assert answer["facts"]["budget"].startswith("0.5 per 24 h in team")


def test_revert_without_an_earlier_version_is_denied(governed: System) -> None:
    """The governor's reason reaches the shell."""
    governed("revert", "team/m", code=4)

    assert "nothing_to_revert" in governed.stderr


LAW = """
[rules]
max_actions = 7
currency = "CHF"
[rules.prices.gpu]
per_second = 0.5
spot_per_second = 0.1
[rules.reward_weights]
latency = 2.0
[budget]
money = 50
period = "7d"
[scopes.team]
owner = "ana"
[scopes.team.budget]
money = 5
[roles]
ana = ["approver@team"]
"""


def test_a_law_file_is_applied_once(governed: System, tmp_path: Path) -> None:
    """A dry run changes nothing; applying sends what differs; applying again sends nothing."""
    file = tmp_path / "homeostat.toml"
    file.write_text(LAW)

    planned = governed.json("apply", str(file), "--dry-run")
    assert len(planned) == 5
    assert len(governed.json("apply", str(file))) == 5

    assert governed.json("apply", str(file)) == []
    file.write_text(LAW.replace("max_actions = 7", "max_actions = 8"))
    (change,) = governed.json("apply", str(file), "--dry-run")
    assert change["changed"] == ["- max_actions = 7", "+ max_actions = 8"]
    rules = in_force(governed.logs).rules["*"]
    assert (rules.currency, rules.prices["gpu"].spot_per_second, rules.reward_weights.latency) == ("CHF", 0.1, 2.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[rulez]", "rulez is not known here"),
        ("[rules]\nmax_action = 1", "max_action"),
        ("[scopes.team]\nmoney = 1", "scopes.team.money"),
        ("[budget]\nmoney = -1", "money"),
        ("[rules.prices.gpu]\nper_hour = 1", "per_second"),
        ("[rules.reward_weights]\nbeauty = 1", "beauty"),
        ("[rules]\ncurrency = 'francs'", "currency"),
        ("[budget]\nmoney = 1\nperiod = 'long'", "no length of time"),
        ("[roles]\nana = ['king']", "role"),
        ("x", "not TOML"),
    ],
)
def test_a_law_file_with_a_mistake_is_refused(system: System, tmp_path: Path, text: str, says: str) -> None:
    """Nothing is sent, and the message names the key."""
    file = tmp_path / "homeostat.toml"
    file.write_text(text)

    system("apply", str(file), code=2)

    assert says in system.stderr
    assert not list(system.log.all(REQUESTS))


def test_what_a_file_does_not_name_of_a_scope_stays_for_the_governor_and_for_apply(
    governed: System, tmp_path: Path
) -> None:
    """Owner and settings may come from two files: neither differs from what is in force afterwards."""
    texts = (
        '[scopes.team]\nowner = "ann"\nsettings = {learning = "scheduler"}',
        '[scopes.team]\nsettings = {note = "x"}',
    )
    files = [tmp_path / "one.toml", tmp_path / "two.toml"]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
        assert len(governed.json("apply", str(file))) == 1

    assert [governed.json("apply", str(file), "--dry-run") for file in files] == [[], []]
    scope = in_force(governed.logs).scopes["team"]
    assert (scope.owner, scope.settings) == ("ann", {"learning": "scheduler", "note": "x"})


def test_the_law_file_of_the_documents_is_one(tmp_path: Path) -> None:
    """Prices, weights and budget as they stand there."""
    text = (Path(__file__).parents[3] / "docs" / "costs.md").read_text("utf-8")
    file = tmp_path / "homeostat.toml"
    file.write_text(text.partition("```toml\n")[2].partition("```")[0])

    rules, budget = read_law(file)

    assert isinstance(rules, RulesSet)
    assert rules.prices["gpu-large"].spot_per_second == 0.0003
    assert isinstance(budget, BudgetSet)


def test_an_unchanged_freeze_is_what_was_signed(governed: System) -> None:
    """The request on governance carries its signature, and is what was typed."""
    governed("freeze", "team", "-m", "why not")

    (seen,) = governed.json("tail", "governance", "-t", "freeze.set")

    assert FreezeSet.model_validate(seen["data"] | {"provenance": None}).reason == "why not"
    assert seen["data"]["provenance"]["key"] == governed.json("keys", "show")[0]["key"]
