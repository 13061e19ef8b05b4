"""`homeostat conform`: whether what somebody else has written speaks our protocols."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from homeostat_tools.cli import completion
from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, check_optional

app = typer.Typer(no_args_is_help=True, help="Try whether a server of one's own speaks our protocol.")
_SECONDS: Final = 30.0
_PER_SECOND: Final = 100
"""Offsets of sequences: a run begins beyond those of every run before it."""


def _check_url(value: str) -> str:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(value)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and value.isprintable() and value.isascii()
        is_url = is_url and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise typer.BadParameter(f"{value!r} is no URL: write http://HOST:PORT")
    return value


@app.callback()
def conform() -> None:
    """Try whether a server of one's own speaks our protocol."""


@app.command()
def server(
    url: Annotated[
        str, typer.Argument(callback=_check_url, help="Base URL, as HOMEOSTAT_ROLLOUT_ACTUATOR_URL has it.")
    ],
    token_file: Annotated[
        Path | None, typer.Option(help="File with its token; <data dir>/keys/model-server.token unless told.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            callback=check_optional,
            autocompletion=completion.models,
            help="scope/model to try it on, of a server that takes its own models only; best one without traffic.",
        ),
    ] = "",
    artifact: Annotated[
        Path | None, typer.Option(help="File that the server can load; a network as ours serves them unless told.")
    ] = None,
    store: Annotated[str, typer.Option(help="Its artifact store; that of this data folder unless told.")] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Try everything that the rollout actuator needs of a server of models; exits 1 if a promise is not kept.

    It sets deployments of a model of its own, homeostat-conform/model, which stays behind and serves nobody. With
    --model it sets that one, a canary with 1 % of its traffic among it, for a second or two, and then sets back what it
    found; the versions conform-a and conform-b stay among the names that the server remembers. Fences of the governor
    are not touched. Two small files are put into the artifact store.

    Examples: [bold]homeostat conform server http://127.0.0.1:8100[/bold],
    [bold]homeostat conform server http://ranker:8100 --model shop/ranker --artifact model.pickle[/bold]
    """
    from homeostat_tools.cli.exit_codes import CommandFailed, Exit, not_found, usage
    from homeostat_tools.cli.output import hint, rows
    from homeostat_tools.server_conformance import MODEL, NEVER_SET, Conformance

    if artifact is not None and not artifact.is_file():
        raise not_found(f"no file {artifact}")
    checks = []
    with _http(url) as ask:
        first = ask("GET", NEVER_SET, None, None)
        if first.status == 0:
            raise CommandFailed(Exit.FAILED, f"{url}: {first.body.decode()}; is the server running?")
        token, digests = _prepared(token_file, data_dir, store, artifact, is_own=bool(model))
        tried = Conformance(ask, token, model=model or MODEL, **digests, offset=_offset())
        for check in tried.run():
            checks.append(check)
            if check.name == "set" and check.came.startswith("404") and not model:
                raise usage(f"{url} takes its own models only: name one that has no traffic with --model scope/model")
    columns = ("check", "result", "expected", "came")
    rows(columns, [(one.name, one.outcome, one.expected, one.came) for one in checks], is_json=is_json)
    n = {word: sum(one.outcome == word for one in checks) for word in ("ok", "failed", "unchecked")}
    hint(f"{n['ok']} ok, {n['failed']} failed, {n['unchecked']} unchecked")
    if n["failed"]:
        raise typer.Exit(Exit.FAILED)


def _offset() -> int:
    import time

    return int(time.time() * _PER_SECOND)


def _prepared(
    token_file: Path | None, data_dir: Path, store: str, artifact: Path | None, *, is_own: bool
) -> tuple[str, dict[str, Any]]:
    """Return the token, and the digests of what can be loaded and of what cannot."""
    from homeostat.artifacts import open_store
    from homeostat.audit.secret_file import read_secret
    from homeostat_tools.cli.connection import settings_of
    from homeostat_tools.server_conformance import BROKEN, tiny_network

    settings = settings_of(data_dir)
    token = read_secret(token_file or settings.keys_dir / "model-server.token")
    opened = open_store(store or settings.store_url)
    content = artifact.read_bytes() if artifact is not None else (None if is_own else tiny_network())
    loadable = None if content is None else opened.put(content)
    return token, {"artifact": loadable, "broken": opened.put(BROKEN)}


class _http:  # noqa: N801  a context manager that reads as a verb
    """Sends requests to a server; what is no answer has status 0."""

    def __init__(self, url: str) -> None:
        import httpx2

        self._client = httpx2.Client(base_url=url, timeout=_SECONDS)

    def __enter__(self) -> Any:
        return self._ask

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _ask(self, method: str, model: str, body: bytes | None, token: str | None) -> Any:
        import httpx2

        from homeostat_tools.server_conformance import Answer

        headers = {"content-type": "application/json"} | ({} if token is None else {"authorization": f"Bearer {token}"})
        try:
            response = self._client.request(method, f"/models/{model}/deployment", content=body, headers=headers)
        except httpx2.HTTPError as error:
            return Answer(0, f"{type(error).__name__}: {error}".encode())
        return Answer(response.status_code, response.content)
