"""A connection of HTTP/2: however the bytes are cut, it says the same, nothing is left behind, and what is said are
frames.
"""

from __future__ import annotations

import logging

from tests.unit.runtime.http2.test_frames import BROKEN, FATAL, MALFORMED
from tests.unit.runtime.http2.wire import START, Wire

from moorage_runtime.servers.http2 import frames, hpack
from moorage_runtime.servers.http2.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    PRIORITISED,
    frame,
)

_WHOLE = END_HEADERS | END_STREAM
_HEAD = ((b":method", b"POST"), (b":scheme", b"http"))
_BLOCKS = [hpack.write((*_HEAD, (b":path", path))) for path in (b"/echo", b"/talk", b"/refuse", b"/later")]
_KEPT = hpack.write(_HEAD) + b"\x44" + hpack.string(b"/echo") + b"\x40" + hpack.string(b"x") + hpack.string(b"y")
_TALK = (
    frame(HEADERS, END_HEADERS, 1, _BLOCKS[1])
    + frame(DATA, 0, 1, b"abc")
    + frame(DATA, PADDED, 1, b"\x02abcd")
    + frames.window_update(1, 1000)
    + frame(DATA, END_STREAM, 1)
)
_SETTLED = frames.settings({4: 3, 5: 20_000}) + frame(HEADERS, _WHOLE, 1, _BLOCKS[0]) + frames.settings({4: 70_000})
SEEDS: list[bytes] = [
    _TALK,
    _SETTLED,
    *(frame(HEADERS, END_HEADERS, 1, block) + frame(DATA, END_STREAM, 1, b"abc") for block in _BLOCKS),
    frame(HEADERS, _WHOLE, 1, _KEPT) + frame(HEADERS, _WHOLE, 3, hpack.write(_HEAD) + b"\xbf\xbe"),
    frame(HEADERS, PADDED | PRIORITISED, 1, b"\x01\0\0\0\0\1" + _BLOCKS[0] + b"\0") + frame(CONTINUATION, 5, 1),
    *(sent.removeprefix(START) for sent, _ in BROKEN.values()),
    *(sent.removeprefix(START) for sent, _ in FATAL.values()),
    *(frame(HEADERS, _WHOLE, 1, _BLOCKS[0] + hpack.write(fields)) for fields in MALFORMED.values()),
]
SEEDS = [seed for seed in SEEDS if len(seed) < 4096]
logging.getLogger("moorage_runtime.servers.http2.requests").disabled = True


def one(data: bytes) -> None:
    """Send it behind a good beginning, whole and in pieces whose size the data itself chooses."""
    whole = _said([START + data])
    step = max(len(data) % 7 + 1, len(data) // 50)
    assert _said([START, *(data[at : at + step] for at in range(0, len(data), step))]) == whole


def _said(parts: list[bytes]) -> tuple[object, ...]:
    wire = Wire(greeted=False).send(*parts)
    said, ended, under_way = wire.frames(), wire.pipe.eof, len(wire.connection.streams)
    assert under_way == wire.service.streams
    assert not (ended and under_way)
    wire.pipe.abort()
    assert (wire.service.streams, wire.connection.outbox.held, wire.connection.streams) == (0, 0, {})
    return said, ended, under_way
