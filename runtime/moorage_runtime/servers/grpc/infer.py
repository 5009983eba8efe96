"""ModelInfer and ModelStreamInfer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from moorage_runtime.codecs import grpc_answer
from moorage_runtime.codecs.grpc_request import Envelope, Head, tensors, unpack
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc import identity
from moorage_runtime.servers.grpc.asked import Asked, Memory
from moorage_runtime.servers.grpc.journal import CANCELLED, Journal
from moorage_runtime.servers.grpc.status import details, refuse
from moorage_runtime.servers.grpc.waiting import DOOR, Waiting
from moorage_runtime.servers.traffic import Traffic
from moorage_runtime.tensors import Array

# Requests of one stream that are under way at once; beyond them the stream is not read.
STREAM_DEPTH = 64
# Larger tensors that must be read element by element are read in a thread: every other client waits behind this loop.
INLINE_BYTES = 64 << 10

Parts = asyncio.Queue["asyncio.Task[bytes] | None"]


class Inference:
    """Answers inference requests, alone and in streams."""

    def __init__(self, plane: DataPlane, traffic: Traffic) -> None:
        self._plane = plane
        self._traffic = traffic
        self._memory = Memory(plane)
        self._journal = Journal(plane.access_log) if plane.access_log is not None else None

    async def single(self, message: bytes, context: Any) -> bytes:
        """ModelInfer."""
        said = identity.sent(context.invocation_metadata())
        told = identity.request_id(said)
        try:
            call = await self._infer("ModelInfer", told[1], message, context, said)
        except RequestFault as fault:
            return await refuse(context, fault, (told,))
        context.set_trailing_metadata((told, *call.metadata))
        return call.answer

    async def stream(self, messages: AsyncIterator[bytes], context: Any) -> None:
        """ModelStreamInfer: many requests under way at once, answered in their order."""
        said = identity.sent(context.invocation_metadata())
        told = identity.request_id(said)
        context.set_trailing_metadata((told,))
        parts: Parts = asyncio.Queue(STREAM_DEPTH)
        reading = asyncio.create_task(self._read(messages, parts, context, {**said, told[0]: told[1]}))
        part = None
        try:
            while (part := await parts.get()) is not None:
                await context.write(await part)
            await reading
        finally:
            _drop(reading, part, parts)

    async def _read(self, messages: AsyncIterator[bytes], parts: Parts, context: Any, said: Mapping[str, str]) -> None:
        async for message in messages:
            await parts.put(asyncio.create_task(self._part(message, context, said)))
        await parts.put(None)

    async def _part(self, message: bytes, context: Any, said: Mapping[str, str]) -> bytes:
        request_id = identity.request_id(said)[1]
        try:
            call = await self._infer("ModelStreamInfer", request_id, message, context, said)
            return grpc_answer.streamed(call.answer)
        except RequestFault as fault:
            return grpc_answer.refused(_id(message), details(fault))

    async def _infer(
        self, method: str, request_id: str, message: bytes, context: Any, said: Mapping[str, str]
    ) -> Waiting:
        """A call that is answered. Raises `RequestFault`."""
        began, status, call = time.monotonic(), CANCELLED, None
        self._traffic.begin()
        try:
            call = self._send(message, context, said, began)
            if call is None:
                call = await self._read_and_send(message, context, said, began)
            if not call.ended:
                await call.end()
            if call.fault is not None:
                raise call.fault
            status = 200
            return call
        except RequestFault as fault:
            status = fault.status
            raise
        finally:
            self._traffic.end()
            if self._journal is not None:
                answered = call if status == 200 else None
                self._journal.tell(method, request_id, len(message), began, status, answered)

    def _send(self, message: bytes, context: Any, said: Mapping[str, str], began: float) -> Waiting | None:
        """Hand a message to the data plane, if one like it is known."""
        known = self._memory.recall(message)
        if known is None:
            return None
        asked, inputs = known
        call = Waiting(asked, "", inputs, began, began + _patience(asked, context), raw=True)
        self._submit(call, asked, message, said)
        return call

    async def _read_and_send(self, message: bytes, context: Any, said: Mapping[str, str], began: float) -> Waiting:
        """Hand a message to the data plane. Raises `RequestFault`."""
        asked, inputs, envelope = await self._read_message(message, said, began)
        patience = _patience(asked, context)
        call = Waiting(asked, envelope.id, inputs, began, began + patience, raw=bool(envelope.raws))
        self._submit(call, asked, message, said)
        return call

    def _submit(self, call: Waiting, asked: Asked, message: bytes, said: Mapping[str, str]) -> None:
        call.received = len(message)
        plane = self._plane
        if said and identity.past_the_cache(said):
            call.cache = "bypass"
        if plane.tracer is not None:
            call.trace = plane.tracer.begin(*identity.trace(said), DOOR, call.began)
        plane.submit(asked.served, call, DOOR)

    async def _read_message(
        self, message: bytes, said: Mapping[str, str], began: float
    ) -> tuple[Asked, dict[str, Array], Envelope]:
        try:
            envelope = unpack(message)
            asked = self._memory.ask(envelope.head)
            if len(message) > INLINE_BYTES and _by_element(envelope, asked.head):
                inputs = await asyncio.to_thread(tensors, message, envelope, asked.head)
            else:
                inputs = tensors(message, envelope, asked.head)
        except RequestFault as fault:
            self._plane.count(fault, began, DOOR, parent=identity.trace(said))
            raise
        self._memory.learn(message, envelope, asked)
        return asked, inputs, envelope


def _patience(asked: Asked, context: Any) -> float:
    """Seconds that the client waits for the answer."""
    remaining = context.time_remaining()
    return asked.timeout if remaining is None else min(asked.timeout, remaining)


def _by_element(envelope: Envelope, head: Head) -> bool:
    return not envelope.raws or any(tensor.datatype == "BYTES" for tensor in head.inputs)


def _id(message: bytes) -> str:
    try:
        return unpack(message).id
    except RequestFault:
        return ""


def _drop(reading: asyncio.Task[None], current: asyncio.Task[bytes] | None, parts: Parts) -> None:
    """The client left, or the stream is over: whatever is still under way is for nobody."""
    reading.cancel()
    if current is not None:
        current.cancel()
    while not parts.empty():
        left = parts.get_nowait()
        if left is not None:
            left.cancel()
