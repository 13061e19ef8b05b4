"""One file per run, replaced as a whole."""

import os
import time
from pathlib import Path

import pytest
import torch

from homeostat.services.maml_trainer.checkpoint import Checkpoint


@pytest.mark.parametrize("content", [b"", b"no pickle at all", b"\x80\x02garbage"])
def test_bytes_that_are_no_state_are_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    """Whatever lies there costs the run's start, not the run."""
    checkpoint = Checkpoint(tmp_path, "run")
    checkpoint.write({"step": 1})
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)

    assert checkpoint.read() is None


def test_drafts_of_killed_writes_are_cleared_away(tmp_path: Path) -> None:
    """Old ones; a young one may be another process at work."""
    checkpoint = Checkpoint(tmp_path, "run")
    old, young = tmp_path / "a.4711", tmp_path / "b.4712"
    for draft in (old, young):
        draft.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)

    checkpoint.write({"step": 1})

    assert not old.exists()
    assert young.exists()
    assert checkpoint.read() == {"step": 1}


@pytest.mark.parametrize("failure", [OSError("no space left on device"), RuntimeError("PytorchStreamWriter failed")])
def test_a_write_that_fails_leaves_the_state_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """And no draft; the caller hears of it as an `OSError`, whoever said so."""
    checkpoint = Checkpoint(tmp_path, "run")
    checkpoint.write({"step": 1})

    def full(state: object, file: object) -> None:
        raise failure

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=str(failure)):
        checkpoint.write({"step": 2})

    assert checkpoint.read() == {"step": 1}
    assert len(list(tmp_path.iterdir())) == 1
