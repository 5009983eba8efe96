"""The admin port: probes, metrics and state, for the kubelet, the operator and Prometheus only."""

from __future__ import annotations

import msgspec

from moorage_runtime import metrics
from moorage_runtime.dataplane import DataPlane
from moorage_runtime.servers import answer
from moorage_runtime.servers.asgi import Receive, Scope, Send

TEXT = b"text/plain; charset=utf-8"


class AdminServer:
    """The ASGI application."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one GET; nothing here changes anything."""
        if scope["method"] not in ("GET", "HEAD"):
            await answer.send(send, 405, b"GET only\n", [(b"allow", b"GET")], TEXT)
            return
        status, content, kind = self._answer(scope["path"])
        await answer.send(send, status, content, [], kind)

    def _answer(self, path: str) -> tuple[int, bytes, bytes]:
        match path:
            case "/livez":
                return 200, b"live\n", TEXT
            case "/startupz":
                return _probe(self._plane.version.model is not None, b"started\n", b"loading\n")
            case "/readyz":
                return _probe(self._plane.ready, b"ready\n", f"{self._plane.version.phase}\n".encode())
            case "/metrics":
                self._plane.metrics.route_generation.set(self._plane.routes.generation)
                return 200, self._plane.metrics.render(), metrics.CONTENT_TYPE.encode()
            case "/state":
                return 200, msgspec.json.encode(self._plane.state()), answer.JSON
        return 404, b"not found\n", TEXT


def _probe(good: bool, yes: bytes, no: bytes) -> tuple[int, bytes, bytes]:
    return (200, yes, TEXT) if good else (503, no, TEXT)
