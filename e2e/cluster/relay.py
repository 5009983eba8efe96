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
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        far_reader, far_writer = await asyncio.open_connection(*TARGET)
    except OSError:
        # The end at once tells the client that nothing listens behind.
        writer.close()
        return
    try:
        with contextlib.suppress(OSError):
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
    finally:
        # One broken end breaks the other.
        for end in (writer, far_writer):
            end.close()


async def serve(listener: socket.socket) -> None:
    """Relay every connection of `listener` until the process is ended."""
    carried: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio itself has but a weak hold on a task whose streams are quiet: it might be collected
        # as garbage, and leave its connections open for ever.
        task = asyncio.create_task(_carry(reader, writer))
        carried.add(task)
        task.add_done_callback(carried.discard)

    server = await asyncio.start_server(accept, sock=listener)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1]))))
