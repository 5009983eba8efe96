"""An answer in parts: the engine makes them in a thread, the reader takes them as fast as it likes.

The thread is never more than a few parts ahead of its reader, and stops when the reader has gone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress

from moorage_runtime.batching.member import refusal
from moorage_runtime.dataplane.call import Call
from moorage_runtime.engines.engine import Cancel, Streaming
from moorage_runtime.errors import RequestFault
from moorage_runtime.expiry import expired
from moorage_runtime.tensors import Array

Part = Mapping[str, Array]
# Parts that are made before anyone has asked for them.
AHEAD = 4
_END = object()


class Streamed(Call):
    """Stands for the whole answer in the counts; its parts go another way."""

    __slots__ = ()

    def answered(self, outputs: Part) -> None:
        """The last part has been taken."""

    def refused(self, fault: RequestFault) -> None:
        """The reader hears it from the iterator."""


class Flow:
    """One answer on its way. `parts` raises `RequestFault`; whoever stops reading must call `leave`."""

    def __init__(self, engine: Streaming, call: Call, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._call = call
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[object] = asyncio.Queue()
        self._room = threading.Semaphore(AHEAD)
        self._cancel = Cancel()
        self._left = False

    async def parts(self) -> AsyncGenerator[Part, None]:
        """The parts in their order; the deadline holds for the last of them."""
        while (part := await self._next()) is not _END:
            if isinstance(part, Exception):
                raise refusal(part, self._call.lane)
            self._room.release()
            yield part  # type: ignore[misc]

    async def _next(self) -> object:
        try:
            async with asyncio.timeout(max(0.0, self._call.deadline - self._clock())):
                return await self._queue.get()
        except TimeoutError as error:
            raise expired(self._call, self._call.deadline) or error from None

    def leave(self) -> None:
        """Nobody reads any more."""
        self._left = True
        self._cancel()
        self._room.release()

    def produce(self) -> None:
        """In a thread."""
        last: object = _END
        try:
            made = self._engine.stream(self._call.inputs, self._call.outputs, self._cancel)
            while self._wanted() and (part := next(made, _END)) is not _END:
                self._send(part)
            close = getattr(made, "close", None)
            if close is not None:
                close()
        except Exception as error:
            last = error
        self._send(last)

    def _wanted(self) -> bool:
        self._room.acquire()
        return not self._left

    def _send(self, item: object) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)
