"""ModelInfer of gRPC as one POST of HTTP/1.1: a unary call of the Connect protocol, with messages as protobuf.

POST /inference.GRPCInferenceService/ModelInfer            content-type: application/proto

Refusals are Connect's: JSON with `code` and `message`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from moorage_runtime.codecs.grpc_request import Envelope, tensors, unpack
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.faults import internal
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import deadline, faults
from moorage_runtime.servers.rest.door import Methods
from moorage_runtime.servers.rest.http_call import HttpCall
from moorage_runtime.servers.rest.terms import Terms, past_the_cache
from moorage_runtime.tensors import Array

if TYPE_CHECKING:
    from moorage_runtime.servers.grpc.asked import Asked, Memory

DOOR = "grpc"
PROTO = b"application/proto"
PATH = b"/inference.GRPCInferenceService/ModelInfer"
_PARTS = PATH.decode().split("/")[1:]
_TIMEOUT = b"connect-timeout-ms"
_LONGEST_TIMEOUT = 10
# Larger tensors that must be read element by element are read in a thread: every other client waits behind this loop.
_INLINE_BYTES = 64 << 10


class ConnectDoor:
    """The one path."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._route: Mapping[bytes, Inferring] | None = None

    def match(self, parts: list[str]) -> Methods | None:
        """See the module's head."""
        if parts != _PARTS:
            return None
        if self._route is None:
            from moorage_runtime.servers.grpc.asked import Memory

            self._route = {b"POST": Inferring(self._plane, Memory(self._plane))}
        return self._route


class _ProtoTerms(Terms):
    """What the head of such a call asks for."""

    __slots__ = ()

    def __init__(self, head: Head, timeout: float) -> None:
        if head.headers.get(b"content-type") != PROTO:
            raise RequestFault(415, "TypeUnsupported", "send application/proto")
        self.json_length = None
        self.seconds = min(deadline.of_head(head, timeout), _timeout(head))
        self.cache = "bypass" if past_the_cache(head) else None
        self.events = False


class Inferring:
    """Answers messages."""

    needs_body = True
    door = DOOR

    def __init__(self, plane: DataPlane, memory: Memory) -> None:
        self._plane = plane
        self._memory = memory
        self._timeout = plane.config.timeout_seconds
        self.body_limit = plane.config.limits.body_bytes

    def accept(self, head: Head) -> None:
        """Look at a head before its body is read. Raises `RequestFault` 400 or 415."""
        head.facts = _ProtoTerms(head, self._timeout)

    def __call__(self, exchange: Exchange) -> None:
        """Read, run, answer."""
        message = bytes(exchange.body)
        known = self._memory.recall(message)
        if known is not None:
            asked, inputs = known
            self._submit(exchange, asked, inputs, Envelope(b"", "", []), raw=True)
            return
        try:
            envelope = unpack(message)
            asked = self._memory.ask(envelope.head)
            if len(message) > _INLINE_BYTES and _by_element(envelope, asked):
                self._read_aside(exchange, message, envelope, asked)
                return
            inputs = tensors(message, envelope, asked.head)
        except RequestFault as fault:
            self._refuse(exchange, fault)
            return
        self._memory.learn(message, envelope, asked)
        self._submit(exchange, asked, inputs, envelope, raw=bool(envelope.raws))

    def _read_aside(self, exchange: Exchange, message: bytes, envelope: Envelope, asked: Asked) -> None:
        def come_back(reading: asyncio.Future[dict[str, Array]]) -> None:
            error = asyncio.CancelledError() if reading.cancelled() else reading.exception()
            if exchange.gone:
                return
            if error is None:
                self._submit(exchange, asked, reading.result(), envelope, raw=bool(envelope.raws))
            else:
                self._refuse(exchange, error if isinstance(error, RequestFault) else internal())

        reading = asyncio.get_running_loop().run_in_executor(None, tensors, message, envelope, asked.head)
        reading.add_done_callback(come_back)

    def _submit(
        self, exchange: Exchange, asked: Asked, inputs: Mapping[str, Array], envelope: Envelope, *, raw: bool
    ) -> None:
        terms = exchange.head.facts
        assert isinstance(terms, Terms)  # noqa: S101 - `accept` saw this head
        call = _ProtoCall(exchange, terms, inputs, asked.head.outputs)
        call.deadline = exchange.began + min(terms.seconds, asked.timeout)
        call.asked, call.message_id, call.raw = asked, envelope.id, raw
        if self._plane.tracer is not None:
            call.follow(self._plane.tracer, DOOR)
        self._plane.submit(asked.served, call, DOOR)

    def _refuse(self, exchange: Exchange, fault: RequestFault) -> None:
        headers = exchange.head.headers
        parent = (headers.get(b"traceparent"), headers.get(b"tracestate"))
        self._plane.count(fault, exchange.began, DOOR, parent=parent, received=len(exchange.body))
        exchange.on_gone = faults.Refused(DOOR, "", "").leave
        faults.refuse(exchange, fault)


class _ProtoCall(HttpCall):
    __slots__ = ("asked", "message_id", "raw")

    asked: Asked
    message_id: str
    raw: bool

    def answered(self, outputs: Mapping[str, Array]) -> None:
        """Write the answer in the form that the request came in."""
        answers = self.asked.answers
        write = answers.raw if self.raw else answers.typed
        self.tell(write(self.message_id, outputs, final=self.asked.final), PROTO)


def _by_element(envelope: Envelope, asked: Asked) -> bool:
    return not envelope.raws or any(tensor.datatype == "BYTES" for tensor in asked.head.inputs)


def _timeout(head: Head) -> float:
    told = head.headers.get(_TIMEOUT)
    if told is None:
        return float("inf")
    if not told.isdigit() or len(told) > _LONGEST_TIMEOUT:
        raise RequestFault(400, "InvalidTimeout", "connect-timeout-ms: must be a number of milliseconds")
    return int(told) / 1000
