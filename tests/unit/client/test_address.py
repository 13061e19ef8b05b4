"""A client in any folder below a running stack finds it."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from homeostat.audit.secret_file import SecretUnusable, ensure_secret
from homeostat.client.address import USERS, find_data_dir, resolve, write_address
from homeostat.runtime.settings import HostSettings


@pytest.fixture
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder two levels below a stack's; returns the stack's."""
    folder = tmp_path / "données à" / "src"
    folder.mkdir(parents=True)
    write_address(tmp_path / ".homeostat", "127.0.0.1:20001")
    monkeypatch.chdir(folder)
    return tmp_path


def test_the_stack_is_found_from_below(below: Path) -> None:
    """Address and keys are those of the nearest data folder upwards."""
    settings = resolve(HostSettings())

    assert settings.bootstrap_servers == "127.0.0.1:20001"
    assert settings.keys_dir == below / ".homeostat" / "keys"


def test_the_nearest_counts(below: Path) -> None:
    """One of this folder hides those above, running or not."""
    Path(".homeostat").mkdir()

    assert find_data_dir() == Path(".homeostat")
    assert resolve(HostSettings()).bootstrap_servers == "127.0.0.1:9092"


def test_a_named_folder_or_broker_is_taken_as_it_is(below: Path) -> None:
    """Nothing is looked for."""
    assert resolve(HostSettings(data_dir=Path(".homeostat"))).bootstrap_servers == "127.0.0.1:9092"
    assert resolve(HostSettings(bootstrap_servers="there:1")).bootstrap_servers == "there:1"


def test_the_folder_of_somebody_else_is_passed_by(below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a shared place anybody may put one above us."""
    monkeypatch.setattr(os, "getuid", lambda: (below / ".homeostat").stat().st_uid + 1)

    assert find_data_dir() == Path(".homeostat")


def test_it_is_found_where_there_are_no_users(below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients run on Windows, too."""
    monkeypatch.delattr(os, "getuid")

    assert find_data_dir() == below / ".homeostat"


def test_a_file_of_that_name_is_none(below: Path) -> None:
    """Nor is a folder that was deleted under us."""
    Path(".homeostat").write_text("")
    assert find_data_dir() == below / ".homeostat"

    gone = below / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert find_data_dir() == Path(".homeostat")


def test_the_user_of_a_secure_stack_is_found(tmp_path: Path) -> None:
    """Whoever may read the password's file needs no settings; settings of one's own come first."""
    properties = {"security.protocol": "sasl_plaintext", "sasl.username": "operator"}
    password = ensure_secret(tmp_path / USERS / "operator.password")
    write_address(tmp_path, "127.0.0.1:1", user=properties)

    found = resolve(HostSettings(data_dir=tmp_path))
    own = resolve(HostSettings(data_dir=tmp_path, kafka={"security.protocol": SecretStr("ssl")}))

    assert {name: value.get_secret_value() for name, value in found.kafka.items()} == {
        **properties,
        "sasl.password": password,
    }
    assert set(own.kafka) == {"security.protocol"}


def test_a_password_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    """It is said, instead of a broker that lets nobody in."""
    write_address(tmp_path, "127.0.0.1:1", user={"sasl.username": "operator"})
    ensure_secret(tmp_path / USERS / "operator.password")
    (tmp_path / USERS / "operator.password").chmod(0o644)

    with pytest.raises(SecretUnusable, match="0644"):
        resolve(HostSettings(data_dir=tmp_path))
