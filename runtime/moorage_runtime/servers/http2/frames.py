"""Frames as bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from moorage_runtime.servers.http2.faults import Code

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITISED = 0x20

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = (
    range(1, 7)
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_BYTES = 9
# What RFC 9113 has both sides begin with.
FRAME_BYTES = 16 << 10
WINDOW_BYTES = (64 << 10) - 1
MOST_WINDOW = (1 << 31) - 1
LAST_STREAM = (1 << 31) - 1
MOST_FRAME_BYTES = (1 << 24) - 1

_HEAD = struct.Struct(">IBI")
_SETTING = struct.Struct(">HI")
_MESSAGE_BYTES = 256

# Length and kind in one number (`length << 8 | kind`), flags, stream with its reserved bit.
read_head = _HEAD.unpack_from
write_head = _HEAD.pack


def frame(kind: int, flags: int = 0, stream: int = 0, content: bytes = b"") -> bytes:
    """One frame."""
    return write_head(len(content) << 8 | kind, flags, stream) + content


def settings(values: Mapping[int, int]) -> bytes:
    """What the other side has to keep to."""
    return frame(SETTINGS, content=b"".join(_SETTING.pack(name, value) for name, value in values.items()))


def read_settings(content: bytes) -> list[tuple[int, int]]:
    """The settings in a frame's content, whose length is a multiple of 6."""
    return list(_SETTING.iter_unpack(content))


def number(content: bytes) -> int:
    """The 31 bits that it begins with."""
    return int.from_bytes(content[:4], "big") & LAST_STREAM


def window_update(stream: int, count: int) -> bytes:
    """The other side may send so many bytes more."""
    return frame(WINDOW_UPDATE, 0, stream, count.to_bytes(4, "big"))


def reset(stream: int, code: Code) -> bytes:
    """A stream ends here."""
    return frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))


def goaway(last: int, code: Code, message: str = "") -> bytes:
    """Streams after `last` were not looked at, and will not be."""
    told = message.encode()[:_MESSAGE_BYTES]
    return frame(GOAWAY, content=last.to_bytes(4, "big") + code.to_bytes(4, "big") + told)
