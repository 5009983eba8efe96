"""The public port: the Open Inference Protocol V2 over REST, as one ASGI callable without a framework.

    GET  /v2                                                   server metadata
    GET  /v2/health/live | /v2/health/ready
    GET  /v2/models/{model}[/versions/{version}]               model metadata
    GET  /v2/models/{model}[/versions/{version}]/ready
    POST /v2/models/{model}[/versions/{version}]/infer

Every answer names the version and revision that gave it (the listener's `identity`), and the request's id.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote

import msgspec

from moorage_runtime.config import RuntimeConfig
from moorage_runtime.dataplane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers import answer, body
from moorage_runtime.servers.asgi import Receive, Scope, Send
from moorage_runtime.servers.traffic import Traffic

log = logging.getLogger(__name__)

SERVER = msgspec.json.encode({"name": "moorage", "version": "2", "extensions": []})
# The colon keeps a model's routes apart from the server's: `/v2/model` is neither.
MODEL = "model:"
INFER = MODEL + "infer"
_SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=@,-]{1,128}\Z").match
_JSON_TYPE = b"application/json"
# What curl sends by default, and what clients of other servers send: none of it can be JSON by chance.
_CONTENT_TYPES = (_JSON_TYPE, b"application/octet-stream", b"application/x-www-form-urlencoded", b"text/plain")
_REMEMBERED_PATHS = 64

Document = tuple[int, bytes]


class RestServer:
    """The ASGI application."""

    def __init__(self, plane: DataPlane, traffic: Traffic) -> None:
        self._plane = plane
        self._traffic = traffic
        self._limit = plane.config.limits.body_bytes
        self._documents: dict[str, Callable[[], Document]] = {
            "": lambda: (200, SERVER),
            "health/live": lambda: (200, b'{"live":true}'),
            "health/ready": self._ready,
            MODEL: lambda: (200, plane.metadata()),
            MODEL + "ready": self._model_ready,
        }
        self._paths: dict[bytes, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever happens, the client gets JSON with the identity headers."""
        self._traffic.begin()
        try:
            sent = dict(scope["headers"])
            headers = [(b"x-request-id", _request_id(sent))]
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
        self, scope: Scope, sent: Mapping[bytes, bytes], receive: Receive, headers: answer.Headers
    ) -> Document:
        raw = scope["raw_path"]
        name = self._paths.get(raw) or self._resolve(raw)
        allowed = ("POST",) if name == INFER else ("GET", "HEAD")
        if scope["method"] not in allowed:
            headers.append((b"allow", ", ".join(allowed).encode()))
            raise RequestFault(405, "MethodNotAllowed", f"this path takes {allowed[0]}")
        if name != INFER:
            return self._documents[name]()
        _check_coding(sent)
        content = await body.read(receive, sent.get(b"content-length"), self._limit)
        return 200, await self._plane.infer(content)

    def _resolve(self, raw: bytes) -> str:
        """The name of a path's route. Paths that exist are remembered, few enough that nobody can fill the memory."""
        name = self._route([unquote(part) for part in raw.decode("latin-1").removesuffix("/").split("/")[1:]])
        if name != INFER and name not in self._documents:
            raise RequestFault(404, "NotFound", "no such path; this server speaks /v2")
        if len(self._paths) < _REMEMBERED_PATHS:
            self._paths[raw] = name
        return name

    def _route(self, parts: list[str]) -> str:
        match parts:
            case ["v2", "models", model, "versions", version, *rest]:
                self._check_model(model)
                self._check_version(version)
                return MODEL + "/".join(rest)
            case ["v2", "models", model, *rest]:
                self._check_model(model)
                return MODEL + "/".join(rest)
            case ["v2", *rest]:
                return "/".join(rest)
        return "?"

    def _check_model(self, name: str) -> None:
        served = self._plane.config.model
        if name != served:
            raise RequestFault(404, "ModelNotFound", f"this server has only the model {served!r}")

    def _check_version(self, name: str) -> None:
        served = self._plane.config.version
        if name != served:
            raise RequestFault(404, "VersionNotFound", f"this server has only version {served!r}")

    def _ready(self) -> Document:
        return (200, b'{"ready":true}') if self._plane.ready else (503, b'{"ready":false}')

    def _model_ready(self) -> Document:
        ready = self._plane.ready
        return 200 if ready else 503, msgspec.json.encode({"name": self._plane.config.model, "ready": ready})


def _check_coding(sent: Mapping[bytes, bytes]) -> None:
    if sent.get(b"content-encoding", b"identity").lower() != b"identity":
        raise RequestFault(415, "CodingUnsupported", "send the body without Content-Encoding")
    if b"inference-header-content-length" in sent:
        raise RequestFault(415, "BinaryUnsupported", "binary tensors are not supported here; send JSON data")
    kind = sent.get(b"content-type", _JSON_TYPE).partition(b";")[0].strip().lower()
    if kind not in _CONTENT_TYPES and not kind.endswith(b"+json"):
        raise RequestFault(415, "TypeUnsupported", "send application/json")


def _request_id(sent: Mapping[bytes, bytes]) -> bytes:
    given = sent.get(b"x-request-id", b"")
    return given if _SANE_ID(given) else answer.new_id()


def identity(config: RuntimeConfig) -> list[tuple[str, str]]:
    """The headers of every answer: which version and revision gave it, percent-encoded where a header needs it."""
    safe = "!#$&'()*+,/:;=?@[]~ -._"
    return [
        ("x-model-version", quote(config.version, safe=safe)),
        ("x-model-revision", quote(config.revision, safe=safe)),
    ]
