"""A model server and its hand."""

import socket
import threading
import time
from pathlib import Path

import httpx2
import msgspec
import numpy as np
import uvicorn
from safetensors.numpy import save

from homeostat.artifacts import FolderStore
from homeostat.audit.secret_file import ensure_secret, read_secret
from homeostat.core.identity import sequence
from homeostat.services.model_server.router import Router
from homeostat.services.model_server.server import create_app
from homeostat.serving import Deployment, bounds
from homeostat.serving.state_file import StateFile

MODEL = "dock/camera-1"
PATH = f"/models/{MODEL}/deployment"
SOURCE = "/homeostat/governor/homeostat.governance/topic/0"


def weights() -> bytes:
    return save({"w1": np.eye(2, 3, dtype=np.float32), "b1": np.zeros(3, np.float32)})


class Ground:
    """A model server on a socket, with one model, and its token."""

    def __init__(self, folder: Path) -> None:
        store = FolderStore(folder / "artifacts")
        self.digest = store.put(weights())
        self.token_file = folder / "keys" / "model-server.token"
        self.token = ensure_secret(self.token_file)
        self.router = Router(store, StateFile(folder / "state.json"))
        self.router.apply(MODEL, self.deployment(7))
        app = create_app(self.router, lambda: read_secret(self.token_file))
        config = uvicorn.Config(
            app,
            port=0,
            http=bounds.BoundedProtocol,
            h11_max_incomplete_event_size=bounds.HEAD_BYTES,
            limit_concurrency=bounds.MAX_CONNECTIONS,
            ws="none",
            log_level="critical",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def deployment(self, offset: int, source: str = SOURCE) -> Deployment:
        return Deployment(source, sequence(offset), "v1", artifacts={"v1": self.digest})

    def put(self, body: Deployment | bytes, **headers: str) -> httpx2.Response:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return httpx2.put(self.url + PATH, content=content, headers=headers)

    def say(self, data: bytes, later: bytes = b"") -> bytes:
        """What the server answers to raw bytes until it closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10.0) as one:
            one.sendall(data)
            if later:
                time.sleep(0.1)
                one.sendall(later)
            found = b""
            try:
                while chunk := one.recv(65536):
                    found += chunk
            except ConnectionResetError:
                pass
            return found

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
