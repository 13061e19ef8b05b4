"""The compose file as compose's own resolver reads it."""

import hashlib
import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from tests.contract.test_deploy import CONTAINERS, ROOT

from homeostat_tools.local_stack.jars import cache_dir

GO_MODULE: Final = "module resolve\n\ngo 1.24\n\nrequire github.com/compose-spec/compose-go/v2 v2.16.2\n"


GO_MAIN: Final = """package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithConsistency(true))
	if err == nil {
		project, failed := options.LoadProject(context.Background())
		if err = failed; err == nil {
			text, _ := project.MarshalJSON()
			fmt.Println(string(text))
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
"""


@cache
def resolver() -> Path | str:
    """The library of docker compose as a command, built once per machine; or why there is none."""
    binary = (
        cache_dir(os.environ) / f"compose-resolve-{hashlib.sha256((GO_MODULE + GO_MAIN).encode()).hexdigest()[:16]}"
    )
    if binary.exists():
        return binary
    go = shutil.which("go")
    if go is None:
        return "no Go here to build compose-go with"
    with TemporaryDirectory() as folder:
        (Path(folder) / "go.mod").write_text(GO_MODULE, "utf-8")
        (Path(folder) / "main.go").write_text(GO_MAIN, "utf-8")
        built = Path(folder) / "resolve"
        try:
            subprocess.run(
                [go, "build", "-mod=mod", "-o", str(built), "."],
                check=True,
                capture_output=True,
                text=True,
                cwd=folder,
                env={**os.environ, "GOTOOLCHAIN": "local"},
                timeout=240,
            )
        except subprocess.TimeoutExpired:
            return "compose-go could not be fetched and built within 240 s"
        except subprocess.CalledProcessError as failed:
            return f"compose-go cannot be built: {(failed.stderr.strip() or 'no reason given').splitlines()[-1]}"
        binary.parent.mkdir(parents=True, exist_ok=True)
        draft = binary.with_name(f".{binary.name}.{os.getpid()}")
        shutil.copy(built, draft)
        draft.replace(binary)
    return binary


def resolve(path: Path) -> subprocess.CompletedProcess[str]:
    """Resolve a compose file, or skip."""
    binary = resolver()
    if isinstance(binary, str):
        pytest.skip(binary)
    return subprocess.run([binary, path], check=False, capture_output=True, text=True, timeout=240)


def test_compose_resolves_the_file_to_what_stands_in_it() -> None:
    """Anchors, dependencies, volumes: the library of docker compose reads the same as this test."""
    resolved = resolve(ROOT / "docker-compose.yml")

    assert resolved.returncode == 0, resolved.stderr
    services = json.loads(resolved.stdout)["services"]
    as_passed_on = {
        name: [part.replace("$$", "$") for part in spec.get("command", [])] for name, spec in CONTAINERS.items()
    }
    assert {name: spec["command"] or [] for name, spec in services.items()} == as_passed_on


def test_compose_refuses_what_is_wrong(tmp_path: Path) -> None:
    """A dependency that does not exist: the check above can fail."""
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("name: x\nservices: {a: {image: a, depends_on: [b]}}\n", "utf-8")

    assert resolve(wrong).returncode != 0
