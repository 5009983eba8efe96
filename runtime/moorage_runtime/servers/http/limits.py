"""The bounds of the transport."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of every connection of a port, in counts, bytes and seconds. Seconds hold to the tick (`TICK_SECONDS`).

    `connections`: at once; more are told 503. `pipelined`: requests of one connection under way. `bodies_bytes`: of all
    bodies that came in several reads and are not answered yet, together. `discard_bytes`: of a refused body that are
    read so that the connection can go on; a longer one ends it. `linger_bytes` and `linger_seconds`: what is still
    read, and how long, after the last answer, so that a client that is sending can read it. `remembered` heads of at
    most `remembered_bytes` each.

    `first_seconds`: until the first byte of a new connection. `head_seconds`: for a head, from its first byte.
    `stall_seconds`: in which a sending or reading client has to move `stall_bytes`. `body_seconds`: for a whole body.
    `idle_seconds`: between requests; longer than any usual load balancer waits: who closes last loses no request.
    """

    connections: int = 10_000
    pipelined: int = 64
    line_bytes: int = 8 << 10
    head_bytes: int = 64 << 10
    headers: int = 100
    bodies_bytes: int = 256 << 20
    discard_bytes: int = 1 << 20
    linger_bytes: int = 256 << 20
    remembered: int = 1024
    remembered_bytes: int = 4 << 10
    first_seconds: float = 60.0
    head_seconds: float = 12.0
    stall_seconds: float = 12.0
    stall_bytes: int = 8 << 10
    body_seconds: float = 120.0
    linger_seconds: float = 2.0
    idle_seconds: float = 620.0
