"""Refusals as documents: V1, V2 and Connect keep their protocols' forms, all else has the structured one."""

from __future__ import annotations

import msgspec

from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head

HOP = b"x-moorage-hop"
REASON = b"x-moorage-reason"
# The codes of the Connect protocol by HTTP status.
_CODES = {
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    408: "deadline_exceeded",
    413: "resource_exhausted",
    429: "resource_exhausted",
    499: "canceled",
    501: "unimplemented",
    502: "unavailable",
    503: "unavailable",
    504: "deadline_exceeded",
}
_CONNECT = b"/inference."
_PLAIN = (b"/v2/", b"/v1/models/")


def document(head: Head | None, fault: RequestFault, request_id: bytes) -> bytes:
    """The body that tells a refusal; `head` None: the request was no HTTP."""
    if head is not None and (head.path + b"/").startswith(_PLAIN):
        return msgspec.json.encode({"error": fault.message})
    if head is not None and head.path.startswith(_CONNECT):
        code = _CODES.get(fault.status, "invalid_argument" if fault.status < 500 else "internal")
        return msgspec.json.encode({"code": code, "message": fault.message})
    told = {
        "code": fault.status,
        "reason": fault.reason,
        "message": fault.message,
        "requestId": request_id.decode("latin-1"),
    }
    return msgspec.json.encode({"error": told})


class Refused:
    """Who answered an exchange that a door read and refused, for the access log."""

    __slots__ = ("door", "model", "version")

    def __init__(self, door: str, model: str, version: str) -> None:
        self.door, self.model, self.version = door, model, version

    def leave(self) -> None:
        """The client is gone; it was answered."""


def turn_away(plane: DataPlane, exchange: Exchange, fault: RequestFault, door: str, served: Served) -> None:
    """Refuse what a door has read, and does not hand on."""
    headers = exchange.head.headers
    parent = (headers.get(b"traceparent"), headers.get(b"tracestate"))
    plane.count(fault, exchange.began, door, served, parent, len(exchange.body))
    exchange.on_gone = Refused(door, served.name, served.version).leave
    refuse(exchange, fault)


def refuse(exchange: Exchange, fault: RequestFault) -> None:
    """Answer with a refusal. Another pod, which passes a client's request on, is told the reason whatever the door."""
    headers = fault.headers
    if HOP in exchange.head.headers:
        headers = (*headers, (REASON, fault.reason.encode()))
    exchange.answer(fault.status, document(exchange.head, fault, exchange.request_id), headers=headers)
