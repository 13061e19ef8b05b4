"""Client of the embedded model server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import httpx2
import msgspec
import numpy as np
from numpy.typing import NDArray

from homeostat.audit.secret_file import SecretMissing, SecretUnusable, read_secret
from homeostat.core import Reject, Retry
from homeostat.serving import Answers, Deployment, ModelState
from homeostat.serving.batches import MSGPACK, encode_batch


class TargetUnreachable(Retry):
    """The model server does not answer, or answers that it cannot now."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"model server {url}: {why}; is it running?")
        self.url, self.why = url, why


class _Refusal(msgspec.Struct):
    reason: str = "target_refused"
    detail: str = ""


class EmbeddedTarget:
    """A `RolloutTarget` over HTTP.

    Args:
        url: Base URL of the server.
        token_file: File with the server's token; None: nothing is set through this one. Read at each call, so that a
            token that is renewed needs no restart.
        timeout_seconds: Of one request; to connect at most 2 s of it.
        transport: What carries the requests, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        token_file: Path | None = None,
        timeout_seconds: float = 5.0,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._url, self._token_file = url, token_file
        self._client = httpx2.Client(
            base_url=url,
            timeout=httpx2.Timeout(timeout_seconds, connect=min(2.0, timeout_seconds)),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def apply(self, model: str, deployment: Deployment) -> bool:
        """See `RolloutTarget.apply`."""
        try:
            self._call("PUT", f"/models/{model}/deployment", msgspec.json.encode(deployment), token=self._token())
        except Reject as refusal:
            if refusal.reason == "stale":
                return False
            raise
        return True

    def deployment(self, model: str) -> Deployment:
        """What a model serves; raises `Reject` if nothing was ever set."""
        return msgspec.json.decode(self._call("GET", f"/models/{model}/deployment"), type=ModelState).deployment

    def predict(self, model: str, request: Sequence[str], x: NDArray[np.float32]) -> Answers:
        """See `Router.predict`."""
        body = encode_batch(request, x)
        return msgspec.msgpack.decode(self._call("POST", f"/models/{model}/predict", body, MSGPACK), type=Answers)

    def _token(self) -> str:
        if self._token_file is None:
            return ""
        try:
            return read_secret(self._token_file)
        except (SecretMissing, SecretUnusable) as error:  # the server makes it, a person mends it: ask again
            raise TargetUnreachable(self._url, f"its token: {error}") from None

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        token: str = "",
    ) -> bytes:
        headers = {"content-type": content_type} | ({"authorization": f"Bearer {token}"} if token else {})
        try:
            response = self._client.request(method, path, content=body, headers=headers)
        except httpx2.TransportError as error:
            raise TargetUnreachable(self._url, f"{type(error).__name__}: {error}") from error
        if response.is_success:
            return response.content
        try:
            refusal = msgspec.json.decode(response.content, type=_Refusal)
        except msgspec.MsgspecError:
            refusal = _Refusal(detail=response.text[:200])
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            raise TargetUnreachable(self._url, f"401, not its token in {self._token_file}")
        if response.is_client_error:
            raise Reject(refusal.reason, refusal.detail)
        raise TargetUnreachable(self._url, f"{response.status_code} {refusal.detail}")
