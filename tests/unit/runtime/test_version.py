"""What an output depends on is in the version of a fold: its salt too, by a digest that does not tell it."""

from homeostat.admission.salt import Salt
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.version import version_of
from homeostat.services.intake import TelemetryIntake


def test_two_salts_are_two_versions() -> None:
    """Two hosts that would say personal data differently do not take over from each other in the middle."""
    plain, one, two = TelemetryIntake(), TelemetryIntake(salt=Salt(b"one")), TelemetryIntake(salt=Salt(b"two"))

    assert len({version_of(plain), version_of(one), version_of(two)}) == 3
    assert version_of(one) == version_of(TelemetryIntake(salt=Salt(b"one")))


def test_the_salt_is_a_secret_of_the_environment() -> None:
    """It is nowhere printed, and its fingerprint cannot be turned back."""
    settings = HostSettings(personal_salt="hush")  # type: ignore[arg-type]  # as the environment gives it

    assert "hush" not in repr(settings)
    assert settings.salt == Salt(b"hush")
    assert (Salt().fingerprint, len(settings.salt.fingerprint)) == ("", 16)
