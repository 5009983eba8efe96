"""Messages in a call's body: each has a flag in front, whether it is compressed, and its length."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.coding import Unpacking
from moorage_runtime.servers.http.faults import crowded, too_large

PREFIX_BYTES = 5
IDENTITY = b"identity"
CODINGS = (IDENTITY, b"gzip", b"deflate")
ROOM_BYTES = 256 << 20


class Room:
    """Bytes of all messages of one port that are not whole yet."""

    __slots__ = ("limit", "taken")

    def __init__(self, limit: int = ROOM_BYTES) -> None:
        self.limit = limit
        self.taken = 0

    def take(self, count: int) -> None:
        """Raises `RequestFault` 503 when it is too much."""
        self.taken += count
        if self.taken > self.limit and count > 0:
            raise crowded()


class Messages:
    """Takes the messages of one call apart, none of them larger than `limit` bytes. Must be closed."""

    __slots__ = ("_buffer", "_limit", "_room", "_taken")

    def __init__(self, limit: int, room: Room) -> None:
        self._buffer = bytearray()
        self._limit = limit
        self._room = room
        self._taken = 0

    @property
    def size(self) -> int:
        """Bytes that have come and are not given out."""
        return len(self._buffer)

    @property
    def ready(self) -> bool:
        """Whether a whole message is there. Raises `RequestFault` 413."""
        return PREFIX_BYTES <= self._stop() <= len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take some of the body. Raises `RequestFault` 413 as soon as a message says that it is too large, or 503."""
        self._buffer += data
        self._count(len(data))
        self._stop()

    def next(self) -> tuple[bool, bytes] | None:
        """Whether a message is compressed, and it; None while none is whole. Raises `RequestFault` 400 or 413."""
        if not self.ready:
            return None
        buffer, stop = self._buffer, self._stop()
        flag = buffer[0]
        if flag > 1:
            raise RequestFault(400, "InvalidRequest", "the message begins with a flag that is neither 0 nor 1")
        with memoryview(buffer) as view:
            message = bytes(view[PREFIX_BYTES:stop])
        del buffer[:stop]
        self._count(-stop)
        return flag == 1, message

    def close(self) -> None:
        """Nothing of it is wanted any more."""
        self._count(-self._taken)
        self._buffer.clear()

    def _stop(self) -> int:
        """Where the first message ends, 0 while that is not known. Raises `RequestFault` 413."""
        buffer = self._buffer
        if len(buffer) < PREFIX_BYTES:
            return 0
        length = int.from_bytes(buffer[1:PREFIX_BYTES], "big")
        if length > self._limit:
            raise too_large(self._limit)
        return PREFIX_BYTES + length

    def _count(self, count: int) -> None:
        self._taken += count
        self._room.take(count)


class Unpacked:
    """A compressed message on its way, in steps between which others have their turn. `then` is given the message,
    `refuse` why there is none; neither after `leave`.
    """

    __slots__ = ("_counted", "_refuse", "_room", "_then", "_unpacking")

    def __init__(
        self,
        unpacking: Unpacking,
        room: Room,
        then: Callable[[bytes], None],
        refuse: Callable[[RequestFault], None],
    ) -> None:
        self._unpacking = unpacking
        self._room = room
        self._then: Callable[[bytes], None] | None = then
        self._refuse = refuse
        self._counted = 0
        asyncio.get_running_loop().call_soon(self._step)

    def leave(self) -> None:
        """Nobody waits for it any more."""
        self._then = None
        self._room.take(-self._counted)
        self._counted = 0

    def _step(self) -> None:
        then, unpacking = self._then, self._unpacking
        if then is None:
            return
        try:
            unpacking.step()
            more = unpacking.size - self._counted
            self._counted += more
            self._room.take(more)
        except RequestFault as fault:
            self.leave()
            self._refuse(fault)
            return
        if unpacking.done:
            self.leave()
            then(bytes(unpacking.body()))
        else:
            asyncio.get_running_loop().call_soon(self._step)


def unpacking(message: bytes, coding: bytes, limit: int) -> Unpacking:
    """What unpacks a message. Raises `RequestFault` 400 when the call does not say how it is compressed."""
    if coding == IDENTITY:
        raise RequestFault(400, "InvalidRequest", "the message is compressed, and grpc-encoding does not say how")
    return Unpacking(message, coding, limit)


def framed(message: bytes) -> bytes:
    """A message as it goes out."""
    return b"".join((b"\x00", len(message).to_bytes(4, "big"), message))
