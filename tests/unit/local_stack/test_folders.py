"""Folders that can be worked in, and those that cannot, by name."""

import os
import tempfile
from pathlib import Path

import pytest

from homeostat_tools.local_stack.errors import FolderUnusable
from homeostat_tools.local_stack.folders import make_folder


@pytest.mark.parametrize(
    "name", ["données à", " lead", "trail ", "a\\b", "co:lon", "e=q", "h#ash!", "com,ma", "日本😀", "l\nn"]
)
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    """Blanks, letters of any script, and what means something to somebody else."""
    make_folder(tmp_path / name / "inside")
    make_folder(tmp_path / name / "inside")

    assert (tmp_path / name / "inside").is_dir()


def test_a_link_to_a_folder_is_one(tmp_path: Path) -> None:
    """One that leads nowhere is none."""
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "broken").symlink_to("nowhere")

    make_folder(tmp_path / "link")
    with pytest.raises(FolderUnusable, match="broken cannot be used"):
        make_folder(tmp_path / "broken")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """Neither it nor what would be below it; the message names another way."""
    (tmp_path / "file").touch()

    for path in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(FolderUnusable, match="--data-dir"):
            make_folder(path)


def test_a_folder_that_is_read_only_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is started in it."""

    def refuse(**_: object) -> object:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)

    with pytest.raises(FolderUnusable, match="Permission denied"):
        make_folder(tmp_path)


@pytest.mark.parametrize("path", ["x" * 300, "/".join(["x" * 250] * 16), os.fsdecode(b"\xff")])
def test_a_path_that_kafka_cannot_use_is_said(tmp_path: Path, path: str) -> None:
    """Too long, also with what Kafka puts below, or no UTF-8; and the message can be printed, and read."""
    with pytest.raises(FolderUnusable) as unusable:
        make_folder(tmp_path / path)

    assert str(unusable.value).isprintable()
    assert len(str(unusable.value)) < 500
