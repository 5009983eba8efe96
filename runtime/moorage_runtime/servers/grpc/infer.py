"""ModelInfer and ModelStreamInfer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from moorage_runtime.codecs.grpc_request import Envelope, Head, read_head, tensors, unpack
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc import crossing, identity
from moorage_runtime.servers.grpc.asked import Asked, Memory
from moorage_runtime.servers.grpc.call import GrpcCall, PartCall, SingleCall
from moorage_runtime.servers.grpc.identity import Facts
from moorage_runtime.servers.grpc.journal import Journal
from moorage_runtime.servers.grpc.messages import Room
from moorage_runtime.servers.grpc.unary import Unary
from moorage_runtime.servers.http.faults import internal
from moorage_runtime.servers.http2.stream import Stream
from moorage_runtime.servers.split.solo import NAMED
from moorage_runtime.servers.traffic import Traffic
from moorage_runtime.tensors import Array

if TYPE_CHECKING:
    from moorage_runtime.servers.grpc.conversation import Conversation
    from moorage_runtime.servers.split.messages import Carrier

DOOR = "grpc"
# Larger tensors that must be read element by element are read in a thread: every other client waits behind this loop.
INLINE_BYTES = 64 << 10


class Inference:
    """Reads requests and hands them to the data plane."""

    def __init__(self, plane: DataPlane, traffic: Traffic, carrier: Carrier | None = None) -> None:
        self._plane = plane
        self._carrier = carrier
        self._traffic = traffic
        self._memory = Memory(plane)
        self._journal = Journal(plane.access_log) if plane.access_log is not None else None

    def start(self, call: GrpcCall, stream: Stream, facts: Facts, message: bytes) -> None:
        """Answer a message, now or later; its client waits since its stream began."""
        self._traffic.begin()
        opened = stream.began
        carrier = self._carrier
        asks = carrier is not None and (carrier.desk.splits or NAMED in stream.head.headers)
        if asks and self._carried(call, stream, message):
            return
        known = self._memory.recall(message)
        if known is None:
            self._read(call, stream, facts, message)
        else:
            asked, inputs = known
            self._submit(call, facts, opened, asked, inputs)

    def ended(self, call: GrpcCall, status: int) -> None:
        """A call has been answered, with this HTTP status."""
        self._traffic.end()
        if self._journal is not None:
            self._journal.tell(call, status)

    def count(
        self, fault: RequestFault, began: float, trace: tuple[bytes | None, bytes | None], received: int = 0
    ) -> None:
        """A message, of so many bytes, was refused before it was read."""
        self._plane.count(fault, began, DOOR, parent=trace, received=received)

    def _carried(self, call: GrpcCall, stream: Stream, message: bytes, version: str | None = None) -> bool:
        """Whether another revision answers, which `version` may name."""
        carrier, said = self._carrier, stream.head.headers
        if carrier is None:
            return False
        try:
            route = carrier.takes(said) if version is None else carrier.of_version(version, said)
        except RequestFault as fault:
            self._unread(call, identity.facts(stream.head), fault)
            return True
        if route is not None:
            crossing.begin(carrier, route, call, stream, message)
        return route is not None

    def _read(self, call: GrpcCall, stream: Stream, facts: Facts, message: bytes) -> None:
        opened = stream.began
        try:
            envelope = unpack(message)
            call.message_id, call.raw = envelope.id, bool(envelope.raws)
            asked = self._memory.ask(envelope.head)
            if len(message) > INLINE_BYTES and _by_element(envelope, asked.head):
                self._read_aside(call, facts, opened, message, envelope, asked)
                return
            inputs = tensors(message, envelope, asked.head)
        except RequestFault as fault:
            version = _version(message) if fault.reason == "VersionNotFound" else None
            if version is None or not self._carried(call, stream, message, version):
                self._unread(call, facts, fault)
            return
        self._memory.learn(message, envelope, asked)
        self._submit(call, facts, opened, asked, inputs)

    def _read_aside(
        self, call: GrpcCall, facts: Facts, opened: float, message: bytes, envelope: Envelope, asked: Asked
    ) -> None:
        def come_back(reading: asyncio.Future[dict[str, Array]]) -> None:
            error = asyncio.CancelledError() if reading.cancelled() else reading.exception()
            if call.over:
                return
            if error is None:
                self._submit(call, facts, opened, asked, reading.result())
            else:
                self._unread(call, facts, error if isinstance(error, RequestFault) else internal())

        reading = asyncio.get_running_loop().run_in_executor(None, tensors, message, envelope, asked.head)
        reading.add_done_callback(come_back)

    def _unread(self, call: GrpcCall, facts: Facts, fault: RequestFault) -> None:
        self.count(fault, call.began, facts.trace, call.size)
        call.refused(fault)

    def _submit(self, call: GrpcCall, facts: Facts, opened: float, asked: Asked, inputs: dict[str, Array]) -> None:
        call.take(asked, inputs, min(call.began + asked.timeout, opened + facts.seconds))
        if facts.fresh:
            call.cache = "bypass"
        plane = self._plane
        if plane.tracer is not None:
            call.trace = plane.tracer.begin(*facts.trace, DOOR, call.began)
        plane.submit(asked.served, call, DOOR)


class Single(Unary):
    """ModelInfer."""

    def __init__(self, limit: int, room: Room, inference: Inference) -> None:
        super().__init__(limit, room)
        self._inference = inference

    def ask(self, stream: Stream, message: bytes) -> None:
        """See `Unary`."""
        facts = identity.facts(stream.head)
        call = SingleCall(self._inference, facts.new_id(), len(message), time.monotonic())
        call.stream = stream
        stream.state = call
        self._inference.start(call, stream, facts, message)

    def unreadable(self, stream: Stream, fault: RequestFault) -> None:
        """See `Unary`."""
        self._inference.count(fault, stream.began, identity.trace(stream.head))


def part(inference: Inference, conversation: Conversation, stream: Stream, message: bytes) -> PartCall:
    """One of the requests of a ModelStreamInfer."""
    facts = identity.facts(stream.head)
    call = PartCall(inference, conversation.request_id, len(message), time.monotonic())
    call.conversation = conversation
    call.answer = None
    inference.start(call, stream, facts, message)
    return call


def _version(message: bytes) -> str | None:
    return read_head(unpack(message).head).version


def _by_element(envelope: Envelope, head: Head) -> bool:
    return not envelope.raws or any(tensor.datatype == "BYTES" for tensor in head.inputs)
