"""The answering side of one connection: what leaves now, and what waits until the client is ready for it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from moorage_runtime.servers.http2.frames import FRAME_BYTES, WINDOW_BYTES, write_head

if TYPE_CHECKING:
    from moorage_runtime.servers.http2.stream import Stream

# Frames of one long answer are written together up to this: a write costs more than copying.
_TOGETHER_BYTES = 128 << 10


class Outbox:
    """`window`: bytes of bodies that the client is ready to take in all; `initial`: of each new stream; `most`: of one
    frame. `held`: bytes that wait, `waiting`: whose they are; `moved`: bytes that waited and have left. `answers`: how
    often something was answered. `stalled`: the client does not read. `closed`: nothing more is said.
    """

    __slots__ = (
        "_bytes",
        "_gathered",
        "_gathering",
        "_pumping",
        "_transport",
        "answers",
        "closed",
        "held",
        "initial",
        "most",
        "moved",
        "stalled",
        "waiting",
        "window",
    )

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._gathered: list[bytes | memoryview] = []
        self._gathering = False
        self._pumping = False
        self._bytes = 0
        self.window = WINDOW_BYTES
        self.initial = WINDOW_BYTES
        self.most = FRAME_BYTES
        self.held = 0
        self.moved = 0
        self.answers = 0
        self.stalled = False
        self.closed = False
        self.waiting: dict[Stream, None] = {}

    def send(self, data: bytes) -> None:
        """Write; while answers are gathered, together with them."""
        if self._gathering:
            self._gathered.append(data)
        elif not self.closed and not self._transport.is_closing():
            self._transport.write(data)

    def gather(self) -> None:
        """Write nothing until `flush`: many answers leave as one."""
        self._gathering = True

    def flush(self) -> None:
        """Write what was gathered."""
        self._gathering = False
        self._write()

    def hold(self, stream: Stream, data: bytes) -> None:
        """Send as much as the client is ready for, the rest when it is."""
        if stream.pending is None:
            stream.pending = deque()
            self.waiting[stream] = None
        stream.pending.append(memoryview(data))
        self.held += len(data)
        self.pump()

    def drop(self, stream: Stream) -> None:
        """Nobody waits for the rest."""
        if stream.pending is not None:
            self.held -= sum(map(len, stream.pending))
            stream.pending = None
            self.waiting.pop(stream, None)

    def pump(self) -> None:
        """Send what waits, one frame of each stream after the other, as long as the client takes it."""
        if self._pumping:
            return
        self._pumping, gathering, self._gathering = True, self._gathering, True
        moves = True
        while moves and self.waiting and self.window > 0 and not self.stalled:
            moves = False
            for stream in list(self.waiting):
                moves |= self._step(stream)
        self._pumping, self._gathering = False, gathering
        if not gathering:
            self._write()

    def _step(self, stream: Stream) -> bool:
        pending = stream.pending
        if not pending or self.stalled:
            return False
        first = pending[0]
        count = min(len(first), stream.window, self.window, self.most)
        if count <= 0:
            return False
        self._gathered += (write_head(count << 8, 0, stream.number), first[:count])
        self._bytes += count
        stream.window -= count
        self.window -= count
        self.held -= count
        self.moved += count
        if count < len(first):
            pending[0] = first[count:]
        else:
            pending.popleft()
        if self._bytes >= _TOGETHER_BYTES:
            # Only what the transport has been given can make it say that the client does not read.
            self._write()
        if not pending:
            self._emptied(stream)
        return True

    def _emptied(self, stream: Stream) -> None:
        stream.pending = None
        self.waiting.pop(stream, None)
        if stream.tail is not None:
            tail, stream.tail = stream.tail, None
            stream.finish(tail)
        else:
            stream.head.route.writable(stream)

    def _write(self) -> None:
        gathered, self._gathered, self._bytes = self._gathered, [], 0
        if gathered and not self.closed and not self._transport.is_closing():
            self._transport.write(gathered[0] if len(gathered) == 1 else b"".join(gathered))
