"""A model behind FastAPI, Starlette or any other ASGI framework.

app.add_middleware(HomeostatMiddleware, served=[served], token=lambda: read_secret(file))
"""

from asyncio import to_thread
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

from homeostat.serving.call import Call, current, new_requests
from homeostat.serving.deployment_http import AsgiApp, DeploymentProtocol
from homeostat.serving.served import Served

REQUEST_HEADER: Final = "homeostat-request"
"""Of a response: the id that labels refer to."""

VERSION_HEADER: Final = "homeostat-version"
"""Of a response: the versions that answered."""

_MOST_ID: Final = 100

Message = MutableMapping[str, Any]


class HomeostatMiddleware:
    """Takes deployments below a path, gives each call an id that its caller hears, publishes what waits at the end.

    Args:
        app: Answers everything else.
        served: The models that it asks.
        token: Returns what a client must show to set what serves.
        path: Below which deployments come.
        id_header: Request header whose value is the id of the call, where something before this sets it; None: each
            call gets a new one. Whoever sets it chooses which version answers, and whether a row counts: not for a
            header that callers set themselves.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        served: Sequence[Served],
        token: Callable[[], str],
        path: str = "/homeostat",
        id_header: str | None = None,
    ) -> None:
        self._app, self._served, self._path = app, tuple(served), path.rstrip("/")
        self._protocol = DeploymentProtocol(self._served, token).asgi()
        self._id_header = id_header.lower().encode() if id_header else None

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._closing(send))
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith(f"{self._path}/models/"):
            await self._protocol(
                {**scope, "path": scope["path"].removeprefix(self._path), "root_path": ""}, receive, send
            )
        else:
            await self._call(scope, receive, send)

    async def _call(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        call = Call(self._id_of(scope) or new_requests(1)[0])

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start" and call.versions:
                said = ((REQUEST_HEADER, call.id), (VERSION_HEADER, ",".join(dict.fromkeys(call.versions))))
                more = [(name.encode(), value.encode("latin-1", "replace")) for name, value in said]
                message["headers"] = [*message.get("headers", ()), *more]
            await send(message)

        token = current.set(call)
        try:
            await self._app(scope, receive, say)
        finally:
            current.reset(token)

    def _id_of(self, scope: Message) -> str:
        values = [value for name, value in scope["headers"] if name == self._id_header]
        id_: str = values[0].decode("latin-1") if values else ""
        return id_ if len(id_) <= _MOST_ID and id_.isascii() and id_.isprintable() else ""

    def _closing(self, send: Callable[[Message], Awaitable[None]]) -> Callable[[Message], Awaitable[None]]:
        async def say(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":
                for one in self._served:
                    await to_thread(one.close)
            await send(message)

        return say
