"""Tokens of an OpenID provider: signed JWTs, checked with the keys that the provider publishes."""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import urlopen

import jwt
import structlog

from homeostat.core import Reject
from homeostat.services.http_door.grants import Grant
from homeostat.services.http_door.refusals import TryLater

log = structlog.get_logger(__name__)
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Asymmetric ones: a public key must never be taken for a secret."""

_KEPT_SECONDS: Final = 300.0
_PAUSE_SECONDS: Final = 10.0
"""Between two questions to the provider: whoever makes key ids up asks it nothing more often."""

_FETCH_SECONDS: Final = 5.0
_FETCH_BYTES: Final = 1 << 20
_LEEWAY_SECONDS: Final = 30
_VERIFIED: Final = 1024
_VERIFIED_SECONDS: Final = 60.0
"""For so long a token that was verified is known again by its digest."""


def fetch(url: str) -> Any:
    """Get a JSON document over https, or from this machine.

    Raises:
        OSError: It cannot be had.
        ValueError: It is no JSON, or too large; or the address is neither.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")):
        raise ValueError(f"{url}: keys are fetched over https, or from this machine")
    with urlopen(url, timeout=_FETCH_SECONDS) as answer:  # noqa: S310  # the scheme was looked at
        body = answer.read(_FETCH_BYTES + 1)
    if len(body) > _FETCH_BYTES:
        raise ValueError(f"{url}: more than {_FETCH_BYTES} bytes")
    return json.loads(body)


class Oidc:
    """Checks issuer, audience, time and signature, and reads the scopes off a claim.

    Args:
        issuer: `iss` of the tokens, verbatim.
        audience: One of `aud`.
        jwks_url: Where the keys are; empty: where the issuer's `/.well-known/openid-configuration` says.
        claim: Lists the scopes: an array of texts, or one text with spaces.
        doors: That such a token may write to.
        get: Fetches a document, for tests.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        jwks_url: str,
        claim: str,
        doors: frozenset[str],
        *,
        get: Callable[[str], Any] = fetch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer, self._audience, self._url, self._claim, self._doors = issuer, audience, jwks_url, claim, doors
        self._get, self._clock = get, clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()
        self._verified: OrderedDict[bytes, tuple[Grant, float, float]] = OrderedDict()

    async def grant_of(self, token: str) -> Grant:
        """Check a token.

        Raises:
            Reject: `token_invalid`.
            TryLater: `unavailable`: the provider's keys cannot be had.
        """
        digest, now = sha256(token.encode(errors="replace")).digest(), self._clock()
        known = self._verified.get(digest)
        if known is not None and now < known[1] and time.time() < known[2]:
            return known[0]
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid", "")))
            claims = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Reject("token_invalid", f"the token is not taken: {error}"[:300]) from None
        grant = Grant(f"oidc:{claims['sub']}"[:200], _scopes(claims.get(self._claim)), self._doors)
        self._verified[digest] = (grant, now + _VERIFIED_SECONDS, float(claims["exp"]) + _LEEWAY_SECONDS)
        if len(self._verified) > _VERIFIED:
            self._verified.popitem(last=False)
        return grant

    async def _key(self, kid: str) -> jwt.PyJWK:
        async with self._asking:
            age = self._clock() - self._asked_at
            if age > _KEPT_SECONDS or (kid not in self._keys and age > _PAUSE_SECONDS):
                self._asked_at = self._clock()
                await self._renew()
        if kid not in self._keys:
            if not self._keys:
                raise TryLater(
                    "unavailable", "the keys of the OpenID provider cannot be had at the moment", _PAUSE_SECONDS
                )
            raise Reject("token_invalid", "the token is signed by a key that the provider does not publish")
        return self._keys[kid]

    async def _renew(self) -> None:
        """Ask for the keys; old ones stay where none come."""
        try:
            keys = await asyncio.to_thread(self._fetched)
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            log.warning("oidc_keys_unreachable", reason=f"{type(error).__name__}: {error}"[:300])
        else:
            self._keys = keys

    def _fetched(self) -> dict[str, jwt.PyJWK]:
        url = self._url or self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")["jwks_uri"]
        return {key.key_id or "": key for key in jwt.PyJWKSet.from_dict(self._get(url)).keys}


def _scopes(claim: object) -> frozenset[str]:
    """Scopes of a claim; of one that is none of the two forms, none."""
    if isinstance(claim, str):
        return frozenset(claim.split())
    return frozenset(one for one in claim if isinstance(one, str)) if isinstance(claim, list) else frozenset()
