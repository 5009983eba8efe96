"""Carries connections from a port of the machine to the API server inside the node.

Run inside the node's network namespace with the machine's listening socket as an open file: a
socket keeps the namespace it was born in, so this one process stands in both.
"""

import asyncio
import contextlib
import socket
import sys

TARGET = ("127.0.0.1", 6443)
CHUNK = 1 << 18


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        far_reader, far_writer = await asyncio.open_connection(*TARGET)
    except OSError:
        # A reset tells the client at once that nothing listens behind.
        writer.transport.abort()
        return
    try:
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
    finally:
        for end in (writer, far_writer):
            end.close()


async def serve(listener: socket.socket) -> None:
    """Relay every connection of `listener` until the process is ended."""
    server = await asyncio.start_server(_carry, sock=listener)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1]))))
