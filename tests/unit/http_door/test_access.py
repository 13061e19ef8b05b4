"""Who may say what: nobody is asked on this machine alone, tokens and JWTs speak for their scopes."""

import asyncio
import json
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.http_door.conftest import MODEL, MemorySink, binary, client_of

from homeostat.core import Halt, Reject
from homeostat.events.logs import DOORS
from homeostat.services.http_door.access import Access, DoorOpen, is_loopback
from homeostat.services.http_door.oidc import Oidc, fetch
from homeostat.services.http_door.tokens import Tokens, TokensInvalid

EVENTS = "/v1/events"
KEY = Ed25519PrivateKey.generate()
JWKS = {"keys": [json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k1", "alg": "EdDSA"}]}
CLAIMS = {"iss": "https://id.example", "aud": "homeostat", "sub": "lambda", "homeostat_scopes": ["shop"]}


def digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def table(folder: Path, text: str) -> Path:
    """A file with tokens."""
    path = folder / "tokens.toml"
    path.write_text(text)
    path.chmod(0o644)
    return path


def row(name: str, token: str, more: str = "") -> str:
    return f'[[tokens]]\nname = "{name}"\nsha256 = "{digest(token)}"\nscopes = ["shop"]\n{more}\n'


def post(access: Access, token: str = "", **attributes: str) -> Any:
    """Send a registration."""
    headers = binary(**attributes) | ({"authorization": f"Bearer {token}"} if token else {})
    with client_of(MemorySink(), access) as http:
        return http.post(EVENTS, json=MODEL, headers=headers)


def signed(key: Any = KEY, kid: str = "k1", algorithm: str = "EdDSA", **changed: Any) -> str:
    """A JWT of the provider."""
    claims = {**CLAIMS, "exp": time.time() + 60, **changed}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm, headers={"kid": kid})


def provider(issuer: str, jwks_url: str, **more: Any) -> Oidc:
    """A checker of JWTs."""
    return Oidc(issuer, "homeostat", jwks_url, "homeostat_scopes", frozenset(DOORS), **more)


def oidc(get: Any = lambda url: JWKS, **more: Any) -> Oidc:
    return Oidc(
        "https://id.example",
        "homeostat",
        "https://id.example/keys",
        "homeostat_scopes",
        frozenset(DOORS),
        get=get,
        **more,
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "door.example"])
def test_without_tokens_it_binds_to_this_machine_only(host: str) -> None:
    """And says what to set."""
    with pytest.raises(DoorOpen, match="HOMEOSTAT_HTTP_DOOR_TOKENS"):
        Access(host, None, None)
    assert [is_loopback(one) for one in ("127.0.0.1", "::1", "localhost", host)] == [True, True, True, False]


def test_without_tokens_another_name_than_this_machines_is_refused() -> None:
    """A page of a browser that had its own name lead here says that one."""
    with client_of(MemorySink()) as http:
        answer = http.post(EVENTS, json=MODEL, headers=binary() | {"host": "evil.example:8090"})

    assert (answer.status_code, answer.json()["reason"]) == (421, "host_unknown")


def test_a_token_speaks_for_its_scopes_through_its_doors(tmp_path: Path) -> None:
    """401 without one, 403 beyond it, each with what RFC 6750 wants."""
    path = table(tmp_path, row("lambda", "secret", 'doors = ["telemetry"]'))
    access = Access("0.0.0.0", Tokens(path, None), None)

    assert post(access, "secret").status_code == 202
    nobody, stranger = post(access), post(access, "guess")
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, 'Bearer realm="homeostat"')
    assert (stranger.status_code, stranger.json()["reason"]) == (401, "token_invalid")
    assert 'error="invalid_token"' in stranger.headers["www-authenticate"]
    for attributes, reason in (
        ({"subject": "bank/demand"}, "scope_forbidden"),
        ({"subject": "shopping/demand"}, "scope_forbidden"),
        ({"subject": "*"}, "scope_forbidden"),
        ({"type": "homeostat.freeze.set.v1", "subject": "shop"}, "door_forbidden"),
    ):
        answer = post(access, "secret", **attributes)
        assert (answer.status_code, answer.json()["reason"]) == (403, reason)
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_a_changed_table_holds_at_once_and_a_wrong_one_changes_nothing(tmp_path: Path) -> None:
    """Tokens are revoked without a restart."""
    path = table(tmp_path, row("old", "one"))
    tokens = Tokens(path, None)
    table(tmp_path, row("new", "two") + "\n")
    tokens.look()
    found = tokens.grant_of("two")
    table(tmp_path, "nonsense")
    tokens.look()

    assert found is not None
    assert (tokens.grant_of("one"), tokens.grant_of("two")) == (None, found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tokens = 1", "tokens"),
        ("[[tokens]]\nname = 'a'", "sha256"),
        (row("a", "x", 'doors = ["window"]'), "doors are some of"),
        (row("a", "x", "colour = 1"), "colour"),
        (row("a", "x") + row("a", "y"), "once each"),
        (row("a", "x", "events_per_second = 0"), "greater than 0"),
        ("[[", "at end of document"),
    ],
)
def test_a_table_that_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    """At the start, by what is wrong."""
    with pytest.raises(TokensInvalid, match=said):
        Tokens(table(tmp_path, text), None)


def test_a_table_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    """Whoever writes it makes himself a token."""
    path = table(tmp_path, row("a", "x"))
    path.chmod(0o666)

    with pytest.raises(TokensInvalid, match="chmod go-w"):
        Tokens(path, None)


def test_the_one_token_is_made_and_may_say_everything(tmp_path: Path) -> None:
    """As the model server's."""
    path = tmp_path / "door.token"
    access = Access("0.0.0.0", Tokens(None, path), None)

    assert path.stat().st_mode & 0o777 == 0o600
    assert post(access, path.read_text().strip(), subject="bank/demand").status_code == 202


def test_a_jwt_of_the_provider_speaks_for_the_scopes_of_its_claim() -> None:
    """And for no other."""
    access = Access("0.0.0.0", None, oidc())

    assert post(access, signed()).status_code == 202
    assert post(access, signed(homeostat_scopes="bank shop")).status_code == 202
    for scopes in (["bank"], "bank", None, {"shop": True}, [], ["shop/demand"]):
        assert post(access, signed(homeostat_scopes=scopes)).json()["reason"] == "scope_forbidden"


@pytest.mark.parametrize(
    "token",
    [
        signed(iss="https://evil.example"),
        signed(aud="somebody-else"),
        signed(exp=time.time() - 60),
        signed(exp=None),
        signed(sub=None),
        signed(Ed25519PrivateKey.generate()),
        signed(kid="k2"),
        signed("public key as a secret, 32 bytes long", algorithm="HS256"),
        jwt.encode(CLAIMS, "", "none", headers={"kid": "k1"}),
        "a.b.c",
    ],
)
def test_a_jwt_that_is_not_the_providers_is_refused(token: str) -> None:
    """Another issuer, audience or key, expired, of a secret, of none."""
    answer = post(Access("0.0.0.0", None, oidc()), token)

    assert (answer.status_code, answer.json()["reason"]) == (401, "token_invalid")


def test_made_up_keys_do_not_make_the_door_ask_the_provider() -> None:
    """Once in ten seconds at most; new keys are found then."""
    asked, now = list[str](), [0.0]

    def get(url: str) -> Any:
        asked.append(url)
        return JWKS

    checker = oidc(get, clock=lambda: now[0])

    async def refused(kid: str) -> None:
        with pytest.raises(Reject, match="does not publish"):
            await checker.grant_of(signed(kid=kid))

    for n in range(20):
        asyncio.run(refused(f"made-up-{n}"))
    assert len(asked) == 1
    now[0] = 11.0
    asyncio.run(refused("made-up"))
    assert len(asked) == 2


def test_a_provider_that_is_away_is_503_until_it_was_there_once() -> None:
    """Known keys go on."""
    is_away, now = [True], [0.0]

    def get(url: str) -> Any:
        if is_away[0]:
            raise OSError("unreachable")
        return {"jwks_uri": "https://id.example/k"} if url.endswith("openid-configuration") else JWKS

    checker = Oidc(
        "https://id.example/", "homeostat", "", "homeostat_scopes", frozenset(DOORS), get=get, clock=lambda: now[0]
    )
    access = Access("0.0.0.0", None, checker)

    away = post(access, signed())
    assert (away.status_code, away.json()["reason"]) == (503, "unavailable")
    is_away[0], now[0] = False, 20.0
    assert post(access, signed(iss="https://id.example/")).status_code == 202
    is_away[0], now[0] = True, 1_000.0
    assert post(access, signed(iss="https://id.example/", jti="2")).status_code == 202


def test_keys_are_fetched_over_https_only() -> None:
    """Or from this machine: whoever is on the way could put his own in."""
    with pytest.raises(ValueError, match="https"):
        fetch("http://id.example/keys")
    with pytest.raises(ValueError, match="https"):
        fetch("file:///etc/passwd")


def test_both_kinds_stand_beside_each_other(tmp_path: Path) -> None:
    """A static token is known by its digest, a JWT by its signature."""
    access = Access("0.0.0.0", Tokens(table(tmp_path, row("a", "x.y.z")), None), oidc())

    assert {post(access, token).status_code for token in ("x.y.z", signed())} == {202}
    assert issubclass(TokensInvalid, Halt)
