"""Whatever a candidate does, its share is answered: by the stable model, in time, and counted against the candidate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from tests.unit.runtime.split.town import Handler, Town, answering, body, plain, request, reset, served, split

from moorage_runtime.config import Shield
from moorage_runtime.routing.breaker import IN_A_ROW

QUICK = Shield(patience_seconds=0.1)
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await request(reader)
    await asyncio.sleep(60)


async def deaf(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def reset_amid(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    writer.write(plain(200, b"x" * 100)[:-50])
    await writer.drain()
    reset(writer)


async def half_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")
    await asyncio.sleep(60)


async def half_head_and_gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request(reader)
    for byte in plain(200, b"x" * 100):
        writer.write(bytes([byte]))
        await asyncio.sleep(0.02)


BAD: dict[str, tuple[Handler, str]] = {
    "500": (answering(plain(500)), "failed"),
    "503 and gone": (answering(plain(503, more=b"connection: close\r\n"), ends=True), "failed"),
    "302": (answering(plain(302, more=b"location: /\r\n")), "failed"),
    "400": (answering(plain(400)), "refused"),
    "404": (answering(plain(404)), "refused"),
    "429": (answering(plain(429)), "overloaded"),
    "504": (answering(plain(504)), "timeout"),
    "not finite": (answering(plain(500, more=b"x-moorage-reason: AnswerInvalid\r\n")), "invalid"),
    "no HTTP": (answering(b"SSH-2.0-hello\r\n\r\n"), "broken"),
    "two answers": (answering(plain(200) + plain(200)), "broken"),
    "a folded header": (answering(plain(200, more=b"a: b\r\n c\r\n")), "broken"),
    "endless head": (answering(b"HTTP/1.1 200 OK\r\n" + b"a: %b\r\n" % (b"b" * 4000) * 40), "broken"),
    "both framings": (answering(plain(200, more=b"transfer-encoding: chunked\r\n")), "broken"),
    "nothing": (answering(b"", ends=True), "broken"),
    "hangs": (hang, "timeout"),
    "does not read": (deaf, "timeout"),
    "resets amid its answer": (reset_amid, "broken"),
    "half a head": (half_head, "timeout"),
    "half a head and gone": (half_head_and_gone, "broken"),
    "drips": (drip, "timeout"),
}


@asynccontextmanager
async def closed() -> AsyncIterator[str]:
    async with served(hang) as address:
        pass
    yield address


def bad(name: str) -> AbstractAsyncContextManager[str]:
    return closed() if name == "closed port" else served(BAD[name][0])


@pytest.mark.parametrize("name", [*BAD, "closed port"])
async def test_no_client_sees_it(town: Town, name: str) -> None:
    stable = await town.open()
    async with bad(name) as address:
        split(stable, address, 50, QUICK)
        began = time.monotonic()
        seen = await stable.flood(200)
        seconds = time.monotonic() - began
    assert seen == {(200, "abc"): 200}
    told = stable.report.forwarded["def"]
    outcome = BAD[name][1] if name in BAD else "broken"
    assert set(told.outcomes) == {outcome}
    assert IN_A_ROW <= told.outcomes[outcome] == told.shielded <= 103
    assert sum(told.faults.values()) == told.outcomes[outcome]
    # One that fails slowly is no longer asked after a few, so nobody waits for it any more.
    assert 97 <= told.shielded + told.held <= 103
    assert seconds < 5
    assert stable.station.plane.tallies.by_revision["def"].in_flight == 0


@pytest.mark.parametrize(("artifact", "rows"), [("log", [[-1.0, 1.0]]), ("bent", [[1.0, 2.0]])])
async def test_a_candidate_doubts_its_own_answers(town: Town, artifact: str, rows: list[list[float]]) -> None:
    stable, candidate = await town.open(), await town.open(artifact, "def", "4")
    for house in (stable, candidate):
        split(house, candidate.address, 50)
    seen = await stable.flood(100, data=body(rows))
    assert seen == {(200, "abc"): 100}
    await asyncio.sleep(0.1)
    assert stable.report.forwarded["def"].faults.keys() == {"AnswerInvalid"}
    assert stable.report.forwarded["def"].outcomes.keys() == {"invalid"}
    assert candidate.report.answered.faults.keys() == {"AnswerInvalid"}
