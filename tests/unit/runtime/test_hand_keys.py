"""A hand without its keys does not start: what it said would not be believed, what it heard not be checked."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from tests.support.hand_shop import Worker

from homeostat.audit import keys
from homeostat.audit.keys import KeyMissing
from homeostat.commands import NotaryKeyMissing
from homeostat.core import Hand
from homeostat.events.logs import POLICY_RETRAIN
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.declarations import HandEntry
from homeostat.runtime.process import Context, HandKeyMissing
from homeostat.runtime.settings import HostSettings

WORKER = HandEntry(name="worker", make=f"{__name__}:worker", obeys=(POLICY_RETRAIN,))


def worker(context: Context) -> Hand:
    return Worker()


def context(folder: Path, **settings: str) -> Context:
    cluster = cast(Cluster, SimpleNamespace(n_partitions=lambda log: 1))  # nobody is asked before there is work
    return Context(HostSettings(data_dir=folder, **settings), cluster)  # type: ignore[arg-type]  # texts only


def test_a_hand_without_a_key_says_who_makes_it(tmp_path: Path) -> None:
    """The file is named as the hand, which is as its service."""
    notary = keys.create(tmp_path / "keys", "notary")

    with pytest.raises(HandKeyMissing, match=r"worker\.pem.*homeostat up.*homeostat keys services") as caught:
        context(tmp_path).hand(WORKER)
    assert isinstance(caught.value, KeyMissing)

    keys.create(tmp_path / "keys", "worker")
    assert len(context(tmp_path).hand(WORKER)) == 1
    assert len(context(tmp_path, notary_keys=notary.public_key_hex).hand(WORKER)) == 1


def test_a_hand_without_the_notarys_public_key_says_where_it_comes_from(tmp_path: Path) -> None:
    """The variable, and the folder that was looked into."""
    keys.create(tmp_path / "keys", "worker")

    with pytest.raises(NotaryKeyMissing, match="HOMEOSTAT_NOTARY_KEYS"):
        context(tmp_path).hand(WORKER)
