"""The public port: the Open Inference Protocol V2 over REST, as one ASGI callable without a framework.

    GET  /v2                                                   server metadata
    GET  /v2/health/live | /v2/health/ready
    GET  /v2/models/{model}[/versions/{version}]               model metadata
    GET  /v2/models/{model}[/versions/{version}]/ready
    POST /v2/models/{model}[/versions/{version}]/infer

Every answer names the version and revision that gave it, and the request's id.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote, unquote

import msgspec

from moorage_runtime.dataplane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers import answer, body
from moorage_runtime.servers.listener import Receive, Scope, Send
from moorage_runtime.servers.traffic import Traffic

log = logging.getLogger(__name__)

SERVER = msgspec.json.encode({"name": "moorage", "version": "2", "extensions": []})
_SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=@,-]{1,128}\Z").match
# curl sends the form type by default, and clients of other servers plain text or none: none of it can be JSON by chance.
_CONTENT_TYPES = (b"application/json", b"application/octet-stream", b"application/x-www-form-urlencoded", b"text/plain")

Handler = Callable[[dict[bytes, bytes], Receive], Awaitable[tuple[int, bytes]]]


class RestServer:
    """The ASGI application."""

    def __init__(self, plane: DataPlane, traffic: Traffic) -> None:
        self._plane = plane
        self._traffic = traffic
        self._limit = plane.config.limits.body_bytes
        self._identity = (
            (b"x-model-version", _header_value(plane.config.version)),
            (b"x-model-revision", _header_value(plane.config.revision)),
        )
        self._routes: dict[str, tuple[str, Handler]] = {
            "": ("GET", self._server),
            "health/live": ("GET", self._live),
            "health/ready": ("GET", self._ready),
            "model": ("GET", self._metadata),
            "model/ready": ("GET", self._model_ready),
            "model/infer": ("POST", self._infer),
        }
        self._paths: dict[bytes, tuple[str, Handler]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever happens, the client gets JSON with the identity headers."""
        self._traffic.begin()
        try:
            sent = dict(scope["headers"])
            headers = [*self._identity, (b"x-request-id", _request_id(sent))]
            try:
                status, content = await self._answer(scope, sent, receive, headers)
            except body.ClientGone:
                return
            except RequestFault as fault:
                status, content = fault.status, answer.error(fault.message)
            except Exception:
                log.exception("request failed")
                status, content = 500, answer.error("internal error")
            if self._plane.leaving:
                headers.append((b"connection", b"close"))
            await answer.send(send, status, content, headers)
        finally:
            self._traffic.end()

    async def _answer(
        self, scope: Scope, sent: dict[bytes, bytes], receive: Receive, headers: answer.Headers
    ) -> tuple[int, bytes]:
        raw = scope["raw_path"]
        method, handler = self._paths.get(raw) or self._resolve(raw)
        if scope["method"] != method and not (scope["method"] == "HEAD" and method == "GET"):
            headers.append((b"allow", method.encode()))
            raise RequestFault(405, "MethodNotAllowed", f"this path takes {method}")
        return await handler(sent, receive)

    def _resolve(self, raw: bytes) -> tuple[str, Handler]:
        """The route of a path; those that exist are remembered, so that the set stays as small as the API."""
        parts = [unquote(part) for part in raw.decode("latin-1").removesuffix("/").split("/")[1:]]
        route = self._routes.get(self._route_name(parts))
        if route is None:
            raise RequestFault(404, "NotFound", "no such path; this server speaks /v2")
        if len(self._paths) < 64:
            self._paths[raw] = route
        return route

    def _route_name(self, parts: list[str]) -> str:
        if parts[:1] != ["v2"]:
            return "?"
        if parts[1:2] != ["models"]:
            return "/".join(parts[1:])
        model, rest = parts[2:3], parts[3:]
        if model != [self._plane.config.model]:
            raise RequestFault(404, "ModelNotFound", f"this server has only the model {self._plane.config.model!r}")
        if rest[:1] == ["versions"]:
            if rest[1:2] != [self._plane.config.version]:
                raise RequestFault(
                    404, "VersionNotFound", f"this server has only version {self._plane.config.version!r}"
                )
            rest = rest[2:]
        return "/".join(["model", *rest])

    async def _infer(self, sent: dict[bytes, bytes], receive: Receive) -> tuple[int, bytes]:
        _check_coding(sent)
        content = await body.read(receive, sent.get(b"content-length"), self._limit)
        return 200, await self._plane.infer(content)

    async def _metadata(self, sent: dict[bytes, bytes], receive: Receive) -> tuple[int, bytes]:
        return 200, self._plane.metadata()

    async def _server(self, sent: dict[bytes, bytes], receive: Receive) -> tuple[int, bytes]:
        return 200, SERVER

    async def _live(self, sent: dict[bytes, bytes], receive: Receive) -> tuple[int, bytes]:
        return 200, b'{"live":true}'

    async def _ready(self, sent: dict[bytes, bytes], receive: Receive) -> tuple[int, bytes]:
        return (200, b'{"ready":true}') if self._plane.ready else (503, b'{"ready":false}')

    async def _model_ready(self, sent: dict[bytes, bytes], receive: Receive) -> tuple[int, bytes]:
        ready = self._plane.ready
        return 200 if ready else 503, msgspec.json.encode({"name": self._plane.config.model, "ready": ready})


def _check_coding(sent: dict[bytes, bytes]) -> None:
    if sent.get(b"content-encoding", b"identity").lower() != b"identity":
        raise RequestFault(415, "CodingUnsupported", "send the body without Content-Encoding")
    if b"inference-header-content-length" in sent:
        raise RequestFault(415, "BinaryUnsupported", "binary tensors are not supported here; send JSON data")
    kind = sent.get(b"content-type", _CONTENT_TYPES[0]).partition(b";")[0].strip().lower()
    if kind not in _CONTENT_TYPES and not kind.endswith(b"+json"):
        raise RequestFault(415, "TypeUnsupported", "send application/json")


def _request_id(sent: dict[bytes, bytes]) -> bytes:
    given = sent.get(b"x-request-id", b"")
    return given if _SANE_ID(given) else os.urandom(8).hex().encode()


def _header_value(text: str) -> bytes:
    return quote(text, safe="!#$&'()*+,/:;=?@[]~ -._").encode()
