"""What an output depends on is in the version of a fold: its salt too, by a digest that does not tell it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from homeostat.admission.salt import Salt
from homeostat.runtime import code_digest as code_digest_module
from homeostat.runtime.code_digest import code_digest
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.version import version_of
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.governor.fold import Governor
from homeostat.services.intake.telemetry import TelemetryIntake

SHARED = Path(__file__).parents[3] / "shared"


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


class Tree:
    """A copy of our code that may be edited.

    Args:
        folder: Where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shared"
        left_out = shutil.ignore_patterns("__pycache__", "cli", "*.lock")
        shutil.copytree(SHARED / "homeostat", self.folder / "homeostat", ignore=left_out)

    def replace(self, path: str, old: str, new: str) -> None:
        """Edit a module."""
        file = self.folder / path
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), "utf-8")

    def versions(self) -> tuple[str, str]:
        """Of the governor and of the drift detector, as a process with this code says them."""
        script = (
            "from homeostat.runtime.version import version_of as v\n"
            "from homeostat.services.governor.fold import Governor\n"
            "from homeostat.services.drift_detector.fold import DriftDetector\n"
            "print(v(Governor()), v(DriftDetector()))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        governor, detector = done.stdout.split()
        return governor, detector


def test_a_version_follows_the_code_that_a_fold_computes_with(tmp_path: Path) -> None:
    """Code that it imports through others counts; words about the code do not, nor does code of somebody else."""
    tree = Tree(tmp_path)
    before = tree.versions()
    assert before == (version_of(Governor()), version_of(DriftDetector()))

    signing = "homeostat/audit/signing.py"
    tree.replace(signing, '"""', '"""Another word. ')
    tree.replace(signing, "\nfrom ", "\n# a comment\n\nfrom ")
    assert tree.versions() == before

    tree.replace(signing, "def verify(", "WORD = 1\n\n\ndef verify(")
    governor, detector = tree.versions()
    assert (governor != before[0], detector == before[1]) == (True, True)


def test_a_version_follows_the_libraries_that_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another numpy may round the last bit of a sum another way."""
    before = version_of(DriftDetector())
    monkeypatch.setattr("homeostat.runtime.version.version", lambda name: "9.9" if name == "numpy" else "0")

    assert version_of(DriftDetector()) != before


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("x = 1", "x  =  (1)  # one", True),
        ('def f(a):\n    """Say."""\n    return a', "def f(a):\n    return a", True),
        ("def f(a):\n    return a", "def f(a):\n    return -a", False),
        ("x = 1", "x = 1.0", False),
        ("x = 'a'", "x = b'a'", False),
        ("from a import b", "from a import c", False),
        ("x = f'{y!r:>3}'", "x = f'{y!r:>4}'", False),
    ],
)
def test_a_digest_tells_what_computes_from_what_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one: str, other: str, is_same: bool
) -> None:
    """Of a package of somebody else too: its relative imports are followed."""
    digests = []
    for number, text in enumerate((one, other)):
        package = tmp_path / str(number) / "strangers_package"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "fold.py").write_text("from .deep import *\n")
        (package / "deep.py").write_text(text)
        module = ModuleType("strangers_package")
        module.__path__ = [str(package)]
        monkeypatch.setitem(sys.modules, "strangers_package", module)
        code_digest_module._file_of.cache_clear()  # noqa: SLF001  # the same name, another package
        digests.append(code_digest("strangers_package.fold")[0])

    assert (digests[0] == digests[1]) is is_same
