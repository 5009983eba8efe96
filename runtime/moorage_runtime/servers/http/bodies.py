"""Bodies that come in several reads."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from moorage_runtime.servers.http.exchange import Body

LARGE_BYTES = 64 << 10
# As numpy's own memory is.
_ALIGNMENT = 16


class BodyReader(Protocol):
    """Takes a body in parts. `received`: bytes of it so far, framing not counted."""

    received: int
    done: bool

    def feed(self, data: bytes, at: int) -> int:
        """Take what belongs to the body from position `at` on; gives the position behind.

        Raises `RequestFault` 400 or 413; then it is unknown where the body ends.
        """

    def body(self) -> Body:
        """The whole body, once `done`."""


class Small:
    """A body of `length` bytes, few of them."""

    __slots__ = ("_length", "_parts", "done", "received")

    def __init__(self, length: int) -> None:
        self._length = length
        self._parts: list[bytes] = []
        self.received = 0
        self.done = False

    def feed(self, data: bytes, at: int) -> int:
        """See `BodyReader`."""
        part = data[at : at + self._length - self.received]
        self._parts.append(part)
        self.received += len(part)
        self.done = self.received == self._length
        return at + len(part)

    def body(self) -> Body:
        """See `BodyReader`."""
        return b"".join(self._parts)


class Large:
    """A body of `length` bytes that is read straight to its place. Memory is taken as it is filled, not before.

    `aligned`: where in it something begins that should lie at a multiple of 16.
    """

    __slots__ = ("_place", "done", "length", "received")

    def __init__(self, length: int, aligned: int = 0) -> None:
        self.length = length
        self.received = 0
        self.done = False
        lead = -aligned % _ALIGNMENT
        self._place: memoryview = np.empty(lead + length, np.uint8).data[lead:]

    def feed(self, data: bytes, at: int) -> int:
        """See `BodyReader`."""
        stop = min(len(data), at + self.length - self.received)
        self.rest()[: stop - at] = memoryview(data)[at:stop]
        self.filled(stop - at)
        return stop

    def rest(self) -> memoryview:
        """The place that is not yet filled."""
        return self._place[self.received :]

    def filled(self, count: int) -> None:
        """That much of the rest was filled."""
        self.received += count
        self.done = self.received == self.length

    def body(self) -> Body:
        """See `BodyReader`."""
        return self._place


class Skipped:
    """A body of `length` bytes that nobody wants."""

    __slots__ = ("done", "length", "received")

    def __init__(self, length: int) -> None:
        self.length = length
        self.received = 0
        self.done = length == 0

    def feed(self, data: bytes, at: int) -> int:
        """See `BodyReader`."""
        stop = min(len(data), at + self.length - self.received)
        self.received += stop - at
        self.done = self.received == self.length
        return stop

    def body(self) -> Body:
        """Nothing was kept."""
        return b""


def sized(length: int, aligned: int = 0) -> BodyReader:
    """The reader of a body that is not empty and whose length is known; `aligned`: see `Large`."""
    return Small(length) if length < LARGE_BYTES else Large(length, aligned)
