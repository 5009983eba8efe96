"""The reading side of one connection: bytes to frames."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from moorage_runtime.servers.http2 import frames
from moorage_runtime.servers.http2.control import Control
from moorage_runtime.servers.http2.faults import Code, ConnectionFault, calm, wrong
from moorage_runtime.servers.http2.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FRAME_BYTES,
    HEAD_BYTES,
    HEADERS,
    LAST_STREAM,
    PADDED,
    PREFACE,
    PRIORITISED,
    SETTINGS,
    WINDOW_BYTES,
    read_head,
)
from moorage_runtime.servers.http2.requests import Requests

if TYPE_CHECKING:
    from moorage_runtime.servers.http2.connection import Connection
    from moorage_runtime.servers.http2.service import Service

_LONGEST = FRAME_BYTES << 8 | 0xFF
_UNUSUAL = END_HEADERS | PADDED | PRIORITISED
_PRIORITY_BYTES = 5
_FORGIVEN = 512


class Intake:
    """Takes a connection's bytes apart. `greeting`: the client has not begun with its settings yet. `window`:
    bytes that a stream may send ahead. `whole`: how many frames came.
    """

    __slots__ = (
        "_block",
        "_connection",
        "_control",
        "_credit",
        "_forgiven",
        "_greeted",
        "_need",
        "_rest",
        "_service",
        "_whole_credit",
        "greeting",
        "requests",
        "whole",
        "window",
    )

    def __init__(self, connection: Connection, service: Service) -> None:
        self._connection = connection
        self._service = service
        self._control = Control(connection, self)
        self._credit = self._whole_credit = service.limits.connection_window_bytes
        self._rest = bytearray()
        self._need = 0
        self._greeted = False
        self.greeting = True
        self._block: _Block | None = None
        self._forgiven: deque[int] = deque(maxlen=_FORGIVEN)
        self.requests = Requests(connection, service)
        self.window = service.limits.window_bytes
        self.whole = 0

    def opening(self) -> bytes:
        """What the server begins with."""
        limits = self._service.limits
        told = {
            frames.MAX_CONCURRENT_STREAMS: limits.streams,
            frames.INITIAL_WINDOW_SIZE: limits.window_bytes,
            frames.MAX_HEADER_LIST_SIZE: limits.head_bytes,
        }
        return frames.settings(told) + frames.window_update(0, limits.connection_window_bytes - WINDOW_BYTES)

    @property
    def unfinished(self) -> bool:
        """Whether something has begun that must be whole soon: the preface, a frame, a block of headers."""
        return bool(self._rest) or self._block is not None or self.greeting

    def take(self, data: bytes) -> bool:  # noqa: C901 - the hot path; each call more costs every request
        """Read what has come; False when others should have their turn before `take(b"")` reads the rest.

        Raises `ConnectionFault`.
        """
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return True
            data = bytes(self._rest)
            self._rest.clear()
        at = 0 if self._greeted else self._greet(data)
        size, outbox, requests = len(data), self._connection.outbox, self.requests
        most = requests.last + 2 * self._service.limits.turn
        self._need, stopped = HEAD_BYTES, False
        while size - at >= HEAD_BYTES and self._greeted:
            word, flags, number = read_head(data, at)
            if word > _LONGEST:
                raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a frame is larger than allowed")
            stop = at + HEAD_BYTES + (word >> 8)
            if stop > size:
                self._need = stop - at
                break
            content = data[at + HEAD_BYTES : stop]
            at = stop
            self.whole += 1
            kind = word & 0xFF
            if kind == DATA and not flags & PADDED and self._block is None and number <= LAST_STREAM:
                self._data(number, content, len(content), flags & END_STREAM)
            elif kind == HEADERS and flags & _UNUSUAL == END_HEADERS and self._block is None and not self.greeting:
                requests.begin(number & LAST_STREAM, content, flags & END_STREAM)
            else:
                self._unusual(kind, flags, number & LAST_STREAM, content)
            if requests.last > most or outbox.stalled:
                stopped = True
                break
        if at < size:
            self._rest += data[at:] if at else data
        return not stopped

    def _greet(self, data: bytes) -> int:
        if not PREFACE.startswith(data[: len(PREFACE)]):
            raise wrong("this port speaks HTTP/2, by prior knowledge")
        self._greeted = len(data) >= len(PREFACE)
        return len(PREFACE) if self._greeted else 0

    def _unusual(self, kind: int, flags: int, number: int, content: bytes) -> None:
        """Any frame, at any time."""
        if self.greeting:
            if kind != SETTINGS or flags & frames.ACK:
                raise wrong("the first frame must be SETTINGS")
            self.greeting = False
        if self._block is not None or kind == CONTINUATION:
            self._continue(kind, flags, number, content)
        elif kind == DATA:
            self._data(number, _unpadded(content, flags), len(content), flags & END_STREAM)
        elif kind == HEADERS:
            self._open(flags, number, _unprioritised(number, _unpadded(content, flags), flags))
        else:
            self._control.take(kind, flags, number, content)

    def _open(self, flags: int, number: int, block: bytes) -> None:
        if flags & END_HEADERS:
            self.requests.begin(number, block, flags & END_STREAM)
        else:
            self._block = _Block(number, flags & END_STREAM, bytearray(block))

    def _continue(self, kind: int, flags: int, number: int, content: bytes) -> None:
        block = self._block
        if block is None or kind != CONTINUATION or number != block.number:
            raise wrong("a block of headers is interrupted, or continued without having begun")
        block.content += content
        self._connection.chatter()
        if len(block.content) > self._service.limits.block_bytes:
            raise calm("the headers are too large")
        if flags & END_HEADERS:
            self._block = None
            self.requests.begin(number, bytes(block.content), block.end)

    def _data(self, number: int, content: bytes, size: int, end: int) -> None:
        self._credit -= size
        if self._credit < self._whole_credit >> 1:
            self._replenish()
        stream = self._connection.streams.get(number)
        if stream is None or stream.whole:
            self._stray(number)
            return
        stream.credit -= size
        if stream.credit < 0:
            self.break_off(number, Code.FLOW_CONTROL_ERROR)
            return
        if not content and not end:
            self._connection.chatter()
        self.requests.body(stream, content, end)
        if not end:
            stream.refill(self.window)

    def _replenish(self) -> None:
        if self._credit < 0:
            raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "more was sent than allowed")
        self._connection.outbox.send(frames.window_update(0, self._whole_credit - self._credit))
        self._credit = self._whole_credit

    def _stray(self, number: int) -> None:
        """A body's bytes where none belong."""
        if self.greeting or number > self.requests.last or not number & 1:
            raise wrong("bytes of a stream that has not begun")
        self._connection.chatter()
        if not self.forgiven(number):
            self.break_off(number, Code.STREAM_CLOSED)

    def forgive(self, number: int) -> None:
        """The client may not know yet that the stream has ended, and go on with it."""
        self._forgiven.append(number)

    def forgiven(self, number: int) -> bool:
        """Whether what comes on an ended stream is passed over."""
        return number in self._forgiven

    def break_off(self, number: int, code: Code) -> None:
        """End a stream that cannot go on. Raises `ConnectionFault` when there are too many of them."""
        connection = self._connection
        connection.strain.reset(connection.outbox.answers)
        connection.outbox.send(frames.reset(number, code))
        self.forgive(number)
        stream = connection.streams.get(number)
        if stream is not None:
            connection.lose(stream)


class _Block:
    """A block of headers in several frames."""

    __slots__ = ("content", "end", "number")

    def __init__(self, number: int, end: int, content: bytearray) -> None:
        self.number = number
        self.end = end
        self.content = content


def _unpadded(content: bytes, flags: int) -> bytes:
    if not flags & PADDED:
        return content
    if not content or content[0] >= len(content):
        raise wrong("more padding than frame")
    return content[1 : len(content) - content[0]]


def _unprioritised(number: int, content: bytes, flags: int) -> bytes:
    if not flags & PRIORITISED:
        return content
    if len(content) < _PRIORITY_BYTES:
        raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a frame is too short")
    if frames.number(content) == number:
        raise wrong("a stream cannot depend on itself")
    return content[_PRIORITY_BYTES:]
