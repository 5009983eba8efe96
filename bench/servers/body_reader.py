"""The least that taking a large body costs: read from the socket into one buffer, then a constant answer.

No parser: the length is searched for in the first bytes, and the body stays where the kernel put it.
"""

from __future__ import annotations

import asyncio
import os

import uvloop

BUFFER = 2**20
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Reader(asyncio.BufferedProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = memoryview(bytearray(BUFFER))
        self.filled = 0
        self.wanted = 0

    def get_buffer(self, _hint: int) -> memoryview:
        return self.buffer[self.filled :]

    def buffer_updated(self, count: int) -> None:
        self.filled += count
        if not self.wanted:
            self._read_head()
        if self.wanted and self.filled >= self.wanted:
            self.filled = self.wanted = 0
            self.transport.write(ANSWER)  # type: ignore[attr-defined]

    def _read_head(self) -> None:
        head, end, _ = bytes(self.buffer[: min(self.filled, 4096)]).partition(b"\r\n\r\n")
        if end:
            length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            self.wanted = len(head) + len(end) + int(length)


async def main() -> None:
    """Serve until stopped."""
    server = await asyncio.get_running_loop().create_server(Reader, "127.0.0.1", int(os.environ["PORT"]))
    await server.serve_forever()


uvloop.run(main())
