"""Frames about a connection and its streams, rather than of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moorage_runtime.servers.http2 import frames
from moorage_runtime.servers.http2.faults import Code, ConnectionFault, wrong
from moorage_runtime.servers.http2.frames import ACK, FRAME_BYTES, MOST_FRAME_BYTES, MOST_WINDOW

if TYPE_CHECKING:
    from moorage_runtime.servers.http2.connection import Connection
    from moorage_runtime.servers.http2.intake import Intake

# To be told that a client is ready for less than this is not worth a frame.
_WORTH_TELLING = 1024
# Longer frames would keep other streams from their turn.
_MOST_SENT = 4 * FRAME_BYTES
_SIZES = {frames.PRIORITY: 5, frames.RST_STREAM: 4, frames.PING: 8, frames.WINDOW_UPDATE: 4}
_OF_CONNECTION = frozenset({frames.SETTINGS, frames.PING, frames.GOAWAY})
_OF_STREAM = frozenset({frames.PRIORITY, frames.RST_STREAM})
_SETTING_BYTES = 6
_GOAWAY_BYTES = 8


class Control:
    """Obeys one connection's frames of control."""

    __slots__ = ("_connection", "_intake")

    def __init__(self, connection: Connection, intake: Intake) -> None:
        self._connection = connection
        self._intake = intake

    def take(self, kind: int, flags: int, number: int, content: bytes) -> None:
        """Obey one frame. Raises `ConnectionFault`."""
        size = _SIZES.get(kind)
        if size is not None and len(content) != size:
            raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a frame has the wrong size")
        if (kind in _OF_CONNECTION and number) or (kind in _OF_STREAM and not number):
            raise wrong("a frame on a stream where it does not belong")
        step = _STEPS.get(kind)
        if step is None:
            # What is not known has to be passed over.
            self._connection.chatter()
        else:
            step(self, flags, number, content)

    def _priority(self, _flags: int, number: int, content: bytes) -> None:
        self._connection.chatter()
        if frames.number(content) == number:
            raise wrong("a stream cannot depend on itself")

    def _reset(self, _flags: int, number: int, _content: bytes) -> None:
        self._check_begun(number)
        connection = self._connection
        stream = connection.streams.get(number)
        if stream is None:
            connection.chatter()
        else:
            connection.lose(stream)
            connection.strain.reset(connection.outbox.answers)

    def _settings(self, flags: int, _number: int, content: bytes) -> None:
        self._connection.chatter()
        if len(content) % _SETTING_BYTES or (flags & ACK and content):
            raise ConnectionFault(Code.FRAME_SIZE_ERROR, "settings have the wrong size")
        if flags & ACK:
            return
        for name, value in frames.read_settings(content):
            self._set(name, value)
        outbox = self._connection.outbox
        outbox.send(frames.frame(frames.SETTINGS, ACK))
        outbox.pump()

    def _set(self, name: int, value: int) -> None:
        outbox = self._connection.outbox
        if name == frames.ENABLE_PUSH and value > 1:
            raise wrong("ENABLE_PUSH is 0 or 1")
        if name == frames.MAX_FRAME_SIZE:
            if not FRAME_BYTES <= value <= MOST_FRAME_BYTES:
                raise wrong("MAX_FRAME_SIZE is out of bounds")
            outbox.most = min(value, _MOST_SENT)
        elif name == frames.INITIAL_WINDOW_SIZE:
            if value > MOST_WINDOW:
                raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is out of bounds")
            change, outbox.initial = value - outbox.initial, value
            self._resize(change)

    def _resize(self, change: int) -> None:
        for stream in self._connection.streams.values():
            stream.window += change
            if stream.window > MOST_WINDOW:
                raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "a window is too large")

    def _push(self, _flags: int, _number: int, _content: bytes) -> None:
        raise wrong("clients do not push")

    def _ping(self, flags: int, _number: int, content: bytes) -> None:
        connection = self._connection
        if flags & ACK:
            connection.chatter()
            connection.departure.answered(content)
        else:
            connection.strain.ping(connection.outbox.answers)
            connection.outbox.send(frames.frame(frames.PING, ACK, content=content))

    def _goaway(self, _flags: int, _number: int, content: bytes) -> None:
        if len(content) < _GOAWAY_BYTES:
            raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a frame is too short")
        self._connection.chatter()
        self._connection.departure.accompany()

    def _window(self, _flags: int, number: int, content: bytes) -> None:
        count = frames.number(content)
        if count < _WORTH_TELLING:
            self._connection.chatter()
        if number:
            self._window_of_stream(number, count)
            return
        outbox = self._connection.outbox
        if not count:
            raise wrong("a window grows by nothing")
        outbox.window += count
        if outbox.window > MOST_WINDOW:
            raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "the window is too large")
        if outbox.waiting:
            outbox.pump()

    def _window_of_stream(self, number: int, count: int) -> None:
        self._check_begun(number)
        stream = self._connection.streams.get(number)
        if stream is None:
            self._connection.chatter()
        elif not count:
            self._intake.break_off(number, Code.PROTOCOL_ERROR)
        elif stream.window + count > MOST_WINDOW:
            self._intake.break_off(number, Code.FLOW_CONTROL_ERROR)
        else:
            stream.window += count
            if stream.pending is not None:
                self._connection.outbox.pump()

    def _check_begun(self, number: int) -> None:
        if number > self._intake.requests.last or not number & 1:
            raise wrong("a frame of a stream that has not begun")


_STEPS = {
    frames.PRIORITY: Control._priority,
    frames.RST_STREAM: Control._reset,
    frames.SETTINGS: Control._settings,
    frames.PUSH_PROMISE: Control._push,
    frames.PING: Control._ping,
    frames.GOAWAY: Control._goaway,
    frames.WINDOW_UPDATE: Control._window,
}
