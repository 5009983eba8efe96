"""The clients of the end-to-end suite keep connections as real ones do."""

from __future__ import annotations

import asyncio

from e2e.harness.traffic_in_pod import Connection

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def test_a_connection_that_was_closed_while_idle_is_opened_again() -> None:
    accepted = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER)
        writer.close()

    async def ask_three_times() -> list[int]:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            connection = Connection(f"http://127.0.0.1:{port}/", "", close=False)
            told = [(await connection.ask())[0], (await connection.ask())[0]]
            await accepted[0].wait_closed()
            await asyncio.sleep(0.05)
            told.append((await connection.ask())[0])
            connection.close()
            accepted[1].close()
            return told

    assert asyncio.run(ask_three_times()) == [200, 200, 200]
    assert len(accepted) == 2
