"""Whether a server of anybody speaks the deployment protocol: every promise that the rollout actuator builds on, tried.

It sets a model of that server and sets it back; see `Conformance.run`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from homeostat.serving import Deployment, ModelState
from homeostat.serving.openapi import Refusal

SOURCE: Final = "/homeostat/conform/a"
OTHER_SOURCE: Final = "/homeostat/conform/b"
"""Whose deployments these are: the fence of the governor's commands is not touched."""

CHAMPION: Final = "conform-a"
CANDIDATE: Final = "conform-b"
MODEL: Final = "homeostat-conform/model"
NEVER_SET: Final = "homeostat-conform/never-set"
_WEIGHT: Final = 0.01
_OK: Final = 200
_NOT_FOUND: Final = 404
_UNAVAILABLE: Final = 503
_CLIENT_ERRORS: Final = tuple(range(400, 500))
_NOWHERE: Final = "0" * 64

BROKEN: Final = b"homeostat conform: nothing that can be loaded"

Outcome = Literal["ok", "failed", "unchecked"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; status 0 if it did not, with the reason as body."""

    status: int
    body: bytes

    def __str__(self) -> str:
        if self.status == 0:
            return f"no answer: {self.body.decode(errors='replace')}"
        if self.status == _OK:
            return f"{self.status}"
        refusal = self.refusal
        return f"{self.status} {refusal.reason}: {refusal.detail}"[:200] if refusal.reason else f"{self.status}"

    @property
    def refusal(self) -> Refusal:
        """What it says of a refusal; empty if that is not in the form of the protocol."""
        try:
            return msgspec.json.decode(self.body, type=Refusal)
        except msgspec.MsgspecError:
            return Refusal()

    @property
    def deployment(self) -> Deployment | None:
        """What it says that it serves; None if that is not in the form of the protocol."""
        try:
            return msgspec.json.decode(self.body, type=ModelState).deployment if self.status == _OK else None
        except msgspec.MsgspecError:
            return None


@dataclass(frozen=True, slots=True)
class Check:
    """One promise.

    Args:
        name: What was tried.
        outcome: `unchecked` where something to try it with is missing.
        expected: What the protocol says.
        came: What the server did.
    """

    name: str
    outcome: Outcome
    expected: str
    came: str


Ask = Callable[[str, str, bytes | None, str | None], Answer]
"""Sends one request: method, model, body, token or None."""


class Conformance:
    """Tries one server.

    Args:
        ask: Sends requests.
        token: The server's.
        model: `scope/model` to try it on.
        artifact: Digest of something that the server can load; None: that of what serves, if it has one.
        broken: Digest of something in the server's store that nobody can load; None leaves that unchecked.
        offset: Of the first sequence, higher than in any run before; < 10**12.
    """

    def __init__(
        self, ask: Ask, token: str, *, model: str, artifact: str | None, broken: str | None, offset: int
    ) -> None:
        self._send, self._token, self._model = ask, token, model
        self._artifact, self._broken, self._offset, self._ordinal = artifact, broken, offset, 0
        self._serving: Deployment | None = None

    def run(self) -> Iterator[Check]:
        """Yield every check; what served before is set again at the end, and if the caller stops early.

        The versions `conform-a` and `conform-b` stay among the names that the server remembers, and so do the fences of
        two sources; a model that was never set before goes on with `conform-a` alone.
        """
        before = self._get().deployment
        self._serving = before
        champion = before.champion if before is not None else CHAMPION
        served = before.artifacts.get(champion) if before is not None else self._artifact
        plain = Deployment(SOURCE, "", champion, artifacts={champion: served} if served else {})
        yield from self._tokens(plain)
        done = self._accepted("set", plain)
        yield done
        if done.outcome != "ok":
            return
        try:
            yield from self._fences(plain, served or self._artifact)
            yield from self._forms(plain)
            yield from self._artifacts(plain)
            came = self._get(NEVER_SET)
            yield Check("read what was never set", "ok" if came.status == _NOT_FOUND else "failed", "404", str(came))
        finally:
            if before is not None:
                self._put(msgspec.structs.replace(before, source=SOURCE, sequence=self._next()))
            else:
                self._put(msgspec.structs.replace(plain, sequence=self._next()))
        yield self._restored(before or plain)

    def _tokens(self, plain: Deployment) -> Iterator[Check]:
        for name, token in (("without a token", None), ("with another token", self._token[::-1] + "x")):
            yield self._refused(name, msgspec.structs.replace(plain, sequence=self._next()), (401,), token=token)

    def _fences(self, plain: Deployment, digest: str | None) -> Iterator[Check]:
        again = self._serving
        assert again is not None
        yield self._accepted("set again", again, keeps_sequence=True)
        if digest is None:
            for name in ("the same sequence with another body", "a canary and its weight"):
                yield Check(name, "unchecked", "200", "no artifact to serve as a candidate: --artifact FILE")
        else:
            with_canary = msgspec.structs.replace(
                plain, canary=CANDIDATE, weight=_WEIGHT, artifacts=plain.artifacts | {CANDIDATE: digest}
            )
            other = msgspec.structs.replace(with_canary, sequence=again.sequence)
            yield self._unchanged(
                "the same sequence with another body", self._put(other), (200,), "200, and it acts once"
            )
            yield self._accepted("a canary and its weight", with_canary)
        self._ordinal = 8
        yield self._accepted("a later sequence", plain)
        yield self._accepted("a later one that is smaller as text", plain)
        older = msgspec.structs.replace(plain, sequence=f"{self._offset}.9")
        came = self._put(older)
        name, expected = "an older sequence", "409 with the reason stale"
        if came.refusal.reason != "stale":
            yield Check(name, "failed", expected, str(came))
        else:
            yield self._unchanged(name, came, (409,), expected)
        elsewhere = msgspec.structs.replace(plain, source=OTHER_SOURCE, sequence=f"{self._offset - 1}.0")
        yield self._accepted("an older one of another source", elsewhere, keeps_sequence=True)

    def _forms(self, plain: Deployment) -> Iterator[Check]:
        yield self._refused("a sequence that is none", msgspec.structs.replace(plain, sequence="latest"))
        whole: dict[str, Any] = msgspec.to_builtins(plain)
        shapes: Mapping[str, Mapping[str, Any]] = {
            "a field it does not know": {"surprise": 1},
            "a weight above 1": {"canary": CANDIDATE, "weight": 1.5},
            "a weight without a canary": {"canary": None, "weight": 0.5},
            "a version in two roles": {"canary": plain.champion, "weight": 0.0},
        }
        for name, changed in shapes.items():
            yield self._refused(name, whole | {"sequence": self._next()} | dict(changed))
        yield self._refused("a field that is missing", {"source": SOURCE, "sequence": self._next()})
        yield self._refused("a body that is no JSON", b"{nothing")

    def _artifacts(self, plain: Deployment) -> Iterator[Check]:
        def shadowed(version: str, digest: str | None) -> Deployment:
            named = {} if digest is None else {version: digest}
            artifacts = plain.artifacts | named
            return msgspec.structs.replace(plain, sequence=self._next(), shadows=(version,), artifacts=artifacts)

        yield self._refused("a version that nobody named an artifact of", shadowed("conform-unnamed", None))
        absent = shadowed("conform-absent", _NOWHERE)
        yield self._refused("an artifact that is not in the store", absent, (*_CLIENT_ERRORS, _UNAVAILABLE))
        name = "an artifact that cannot be loaded"
        if self._broken is None:
            yield Check(name, "unchecked", "4xx", "no store to put one into: --store URL")
        else:
            yield self._refused(name, shadowed("conform-broken", self._broken))

    def _restored(self, meant: Deployment) -> Check:
        came = self._get().deployment
        is_right = came is not None and _essence(came) == _essence(meant)
        return Check("what served before serves again", "ok" if is_right else "failed", _said(meant), _said(came))

    def _next(self) -> str:
        self._ordinal += 1
        return f"{self._offset}.{self._ordinal}"

    def _put(self, body: object, token: str | None = "") -> Answer:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self._send("PUT", self._model, content, self._token if token == "" else token)

    def _get(self, model: str = "") -> Answer:
        return self._send("GET", model or self._model, None, None)

    def _accepted(self, name: str, deployment: Deployment, *, keeps_sequence: bool = False) -> Check:
        """Set it, and read it back."""
        new = deployment if keeps_sequence else msgspec.structs.replace(deployment, sequence=self._next())
        came, expected = self._put(new), f"200, then {_said(new)}"
        if came.status != _OK:
            return Check(name, "failed", expected, str(came))
        now = self._get()
        is_right = now.deployment is not None and _essence(now.deployment) == _essence(new)
        if is_right:
            self._serving = now.deployment
        return Check(name, "ok" if is_right else "failed", expected, f"200, then {_said(now.deployment)}")

    def _refused(
        self, name: str, body: object, statuses: tuple[int, ...] = _CLIENT_ERRORS, *, token: str | None = ""
    ) -> Check:
        expected = "4xx" if len(statuses) > 1 else str(statuses[0])
        if _UNAVAILABLE in statuses:
            expected += " or 503"
        return self._unchanged(name, self._put(body, token), statuses, f"{expected}, and nothing changes")

    def _unchanged(self, name: str, came: Answer, statuses: tuple[int, ...], expected: str) -> Check:
        if came.status not in statuses:
            return Check(name, "failed", expected, str(came))
        now = self._get().deployment
        if (now and _essence(now)) != (self._serving and _essence(self._serving)):
            return Check(name, "failed", expected, f"{came}, but now {_said(now)}")
        return Check(name, "ok", expected, str(came))


def tiny_network() -> bytes:
    """Return two inputs and two classes as safetensors, which the embedded model server can serve."""
    shapes = {"w1": (2, 2), "b1": (2,)}
    head: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        head[name] = {"dtype": "F32", "shape": shape, "data_offsets": (begin, end)}
    text = msgspec.json.encode(head)
    return len(text).to_bytes(8, "little") + text + bytes(end)


def _essence(deployment: Deployment) -> tuple[Any, ...]:
    return (deployment.champion, deployment.canary, round(deployment.weight, 9), sorted(deployment.shadows))


def _said(deployment: Deployment | None) -> str:
    if deployment is None:
        return "nothing that can be read"
    canary = f", {deployment.canary} at {deployment.weight:g}" if deployment.canary else ""
    return f"{deployment.champion}{canary}" + "".join(f", shadow {one}" for one in deployment.shadows)
