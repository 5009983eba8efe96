"""The bounds of the transport."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of every connection of a port, in counts, bytes and seconds. Seconds hold to the tick.

    `connections`: at once. `streams`: of one connection, `streams_together`: of all. `turn`: requests of one connection
    that begin before others have their turn. `block_bytes`: of one block of headers as it comes; `head_bytes`: of its
    fields; up to `most_head_bytes` the connection can go on. `window_bytes` and `connection_window_bytes`: what a
    client may send ahead. `held_bytes`: answers of one connection that wait for its client, beyond which no request
    begins.

    `first_seconds`: until the client's settings have come. `frame_seconds`: for a frame or a block of headers, once
    begun. `stall_seconds`: in which a sending or reading client has to move `stall_bytes`. `body_seconds`: for a whole
    body. `idle_seconds`: without a request. `quiet_seconds`: without a word while requests are under way; then the
    client is asked, and has `answer_seconds`. `age_seconds`: until a client is asked to connect anew, or, when it
    should go elsewhere, `leaving_seconds`. `linger_seconds`: for the client to close when all is said.
    """

    connections: int = 10_000
    streams: int = 256
    streams_together: int = 8192
    turn: int = 64
    block_bytes: int = 128 << 10
    head_bytes: int = 16 << 10
    most_head_bytes: int = 160 << 10
    window_bytes: int = 1 << 20
    connection_window_bytes: int = 16 << 20
    held_bytes: int = 16 << 20
    first_seconds: float = 20.0
    frame_seconds: float = 12.0
    stall_seconds: float = 12.0
    stall_bytes: int = 8 << 10
    body_seconds: float = 120.0
    idle_seconds: float = 620.0
    quiet_seconds: float = 120.0
    answer_seconds: float = 20.0
    age_seconds: float = 20.0
    leaving_seconds: float = 1.0
    linger_seconds: float = 2.0
