"""Calls that another revision answers."""

from __future__ import annotations

import time

import msgspec

from moorage_runtime.codecs.grpc_request import unpack
from moorage_runtime.errors import RequestFault
from moorage_runtime.routing.hooks import Reply
from moorage_runtime.servers.grpc import identity
from moorage_runtime.servers.grpc.call import GrpcCall
from moorage_runtime.servers.http.app import Route
from moorage_runtime.servers.http2 import hpack
from moorage_runtime.servers.http2.stream import Stream
from moorage_runtime.servers.rest.faults import REASON
from moorage_runtime.servers.split.messages import Carrier

_TOLD = (b"x-model-version", b"x-model-revision", b"x-cache")
_RETRY_AFTER = b"retry-after"


class _Refusal(msgspec.Struct):
    """As Connect tells it."""

    message: str = ""


def begin(carrier: Carrier, route: Route, call: GrpcCall, stream: Stream, message: bytes) -> None:
    """Have a call answered by `route`."""
    facts = identity.facts(stream.head)
    seconds = stream.began + facts.seconds - time.monotonic()

    def heard(reply: Reply) -> None:
        if reply.status < 300:
            told = ((name, reply.headers[name]) for name in _TOLD if name in reply.headers)
            call.relay(reply.body, hpack.write(tuple(told)))
        else:
            call.message_id = _id(message)
            call.refused(_fault(reply))

    call.exchange = carrier.send(route, message, stream.head.headers, call.request_id, call.began, seconds, heard)


def _fault(reply: Reply) -> RequestFault:
    try:
        told = msgspec.json.decode(reply.body, type=_Refusal).message
    except msgspec.DecodeError:
        told = f"the model version that was to answer said {reply.status}"
    reason = reply.headers.get(REASON, b"Status%d" % reply.status).decode("latin-1")
    hints = tuple((name, reply.headers[name]) for name in (_RETRY_AFTER,) if name in reply.headers)
    return RequestFault(reply.status, reason, told, hints)


def _id(message: bytes) -> str:
    try:
        return unpack(message).id
    except RequestFault:
        return ""
