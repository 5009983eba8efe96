"""Asking pods for their counters: real servers that answer, lie, stall, flood or are not there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace
from tests.unit.operator.asking import Answering, listening, never, saying

from moorage_operator.cluster import pods
from moorage_operator.cluster.pods import Direct, ThroughApiServer, read_pods
from moorage_operator.cluster.server import ApiError
from moorage_runtime.config import ADMIN_PORT, Answered, Forwarded, PodReport, encode

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REVISION = "aaaaaaaaaa"
REPORT = PodReport(started="1", revision=REVISION, ready=True, generation=3, answered=Answered(outcomes={"ok": 5}))


def pod(name: str = "p", ip: str | None = "127.0.0.1", phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    told = {"name": name, "namespace": "ns", "uid": f"u-{name}", "labels": {"moorage.dev/revision": REVISION}}
    return {"metadata": told | metadata, "status": {"phase": phase} | ({"podIP": ip} if ip else {})}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(trust_env=False) as made:
        yield made


async def test_a_pod_is_read(session: aiohttp.ClientSession) -> None:
    async with listening(saying(encode(REPORT))) as server:
        (reading,) = await read_pods(Direct(session, server.port), [pod()], NOW)
    assert (reading.pod, reading.uid, reading.revision, reading.at, reading.report) == (
        "p",
        "u-p",
        REVISION,
        NOW,
        REPORT,
    )
    assert [(method, path) for method, path, _, _ in server.asked] == [("GET", "/state")]


async def flood(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(64):
        await response.write(b" " * 64 * 1024)
    return response


@pytest.mark.parametrize(
    "answer",
    [
        saying("no json"),
        saying('{"started": 1}'),
        saying(encode(REPORT), 503),
        saying("", 302, Location="http://127.0.0.1:1/state"),
        saying(encode(PodReport(started="1", revision="bbbbbbbbbb", ready=True))),
        saying('{"started": "1", "revision": "aaaaaaaaaa", "ready": true, "x": ' + "[" * 100_000),
        saying(encode(replace(REPORT, answered=Answered(outcomes={"ok": -1})))),
        saying(encode(replace(REPORT, answered=Answered(outcomes={"ok": 2**60})))),
        saying(encode(replace(REPORT, answered=Answered(outcomes={"x" * 65: 1})))),
        saying(encode(replace(REPORT, answered=Answered(faults={str(number): 1 for number in range(65)})))),
        saying(encode(replace(REPORT, answered=Answered(seconds=(1, 2, 3))))),
        saying(encode(replace(REPORT, forwarded={"b": Forwarded(outcomes={"ok": 1}, differed=-1)}))),
        saying(encode(replace(REPORT, forwarded={str(number): Forwarded() for number in range(65)}))),
        flood,
    ],
    ids=[
        "not JSON",
        "another document",
        "an error",
        "a redirect",
        "another revision's pod",
        "a bomb",
        "less than nothing",
        "more than there is",
        "a long name",
        "many names",
        "other bounds",
        "less than nothing elsewhere",
        "many revisions",
        "too long",
    ],
)
async def test_what_is_no_report_is_silence(session: aiohttp.ClientSession, answer: Answering) -> None:
    async with listening(answer) as server:
        (reading,) = await read_pods(Direct(session, server.port), [pod()], NOW)
    assert reading.report is None
    assert len(server.asked) == 1


async def test_a_report_in_small_pieces_is_whole(session: aiohttp.ClientSession) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for letter in encode(REPORT).encode():
            await response.write(bytes([letter]))
            await asyncio.sleep(0)
        return response

    async with listening(drip) as server:
        (reading,) = await read_pods(Direct(session, server.port), [pod()], NOW)
    assert reading.report == REPORT


async def test_pods_that_stall_cost_their_time_once(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pods, "PATIENCE", 0.3)
    async with listening(never) as server:
        began = time.monotonic()
        readings = await read_pods(Direct(session, server.port), [pod(f"p{i}") for i in range(20)], NOW)
    assert [reading.report for reading in readings] == [None] * 20
    assert len(server.asked) == 20
    assert time.monotonic() - began < 4 * 0.3 + 2.0, "one after the other they would take twenty times as long"


@pytest.mark.parametrize("ip", [None, "", "127.0.0.1", "::1", "not an address"])
async def test_nobody_there_is_silence(session: aiohttp.ClientSession, ip: str | None) -> None:
    (reading,) = await read_pods(Direct(session, 1), [pod(ip=ip)], NOW)
    assert reading.report is None


async def test_only_pods_that_run_and_stay_are_asked(session: aiohttp.ClientSession) -> None:
    async with listening(saying(encode(REPORT))) as server:
        seen = [pod("b"), pod("a"), pod("new", phase="Pending"), pod("old", deletionTimestamp="2026-01-01T00:00:00Z")]
        readings = await read_pods(Direct(session, server.port), seen, NOW)
    assert [reading.pod for reading in readings] == ["a", "b"]


class Proxy:
    """The API server's way to pods."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.paths = answer, list[str]()

    async def call(self, verb: str, path: str, *, within: float) -> Any:
        self.paths.append(f"{verb} {path}")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_from_outside_the_api_server_leads_to_pods() -> None:
    api = Proxy({"started": "1", "revision": REVISION, "ready": True, "generation": 4})
    (reading,) = await read_pods(ThroughApiServer(api), [pod()], NOW)  # type: ignore[arg-type]
    assert reading.report is not None
    assert reading.report.generation == 4
    assert api.paths == [f"GET /api/v1/namespaces/ns/pods/http:p:{ADMIN_PORT}/proxy/state"]


@pytest.mark.parametrize("answer", [ApiError(503, "ServiceUnavailable", "no pod"), {"started": 1}, [], {}])
async def test_and_what_it_cannot_reach_is_silence(answer: Any) -> None:
    (reading,) = await read_pods(ThroughApiServer(Proxy(answer)), [pod()], NOW)  # type: ignore[arg-type]
    assert reading.report is None
