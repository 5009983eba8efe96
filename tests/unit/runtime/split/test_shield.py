"""Whatever a candidate does, its share is answered: by the stable model, in time, and counted against the candidate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
from tests.unit.runtime.split.town import (
    Handler,
    House,
    Town,
    answering,
    body,
    plain,
    request,
    reset,
    served,
    split,
    until,
)

from moorage_runtime.config import LATENCY_BOUNDS, Route, Shield
from moorage_runtime.routing.breaker import IN_A_ROW
from moorage_runtime.routing.patience import NOTICED
from moorage_runtime.servers.forward import pool
from moorage_runtime.steps import finish

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


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for another revision to be reached for the first time."""
    monkeypatch.setattr(pool, "STRANGER_SECONDS", 0.0)


@asynccontextmanager
async def closed() -> AsyncIterator[str]:
    async with served(hang) as address:
        pass
    yield address


def bad(name: str) -> AbstractAsyncContextManager[str]:
    return closed() if name == "closed port" else served(BAD[name][0])


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("name", [*BAD, "closed port"])
async def test_no_client_sees_it(town: Town, name: str) -> None:
    stable = await town.open()
    async with bad(name) as address:
        split(stable, address, 50, QUICK if name in BAD and BAD[name][1] == "timeout" else Shield(patience_seconds=5))
        await stable.knows_all()
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


@pytest.mark.usefixtures("hasty")
async def test_an_address_that_is_nobodys_hurts_no_client(town: Town) -> None:
    stable = await town.open()
    split(stable, f"{'a' * 70}:80", 50)
    await stable.knows_all()
    assert await stable.flood(40) == {(200, "abc"): 40}
    assert stable.report.forwarded["def"].shielded >= IN_A_ROW


async def test_a_client_that_errs_is_told_so_and_the_candidate_is_not_blamed(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 50)
    ours = await stable.client().ask(data=b'{"inputs":[]}', x_model_version="stable")
    assert ours.status == 400
    assert await stable.flood(100, data=b'{"inputs":[]}') == {(400, "abc"): 100}
    assert stable.outcomes.keys() == {"faulty"}
    assert stable.report.forwarded["def"].shielded == stable.report.forwarded["def"].held == 0


async def test_a_candidate_that_refuses_what_the_stable_model_takes_is_blamed(town: Town) -> None:
    stable, candidate = await town.open(), await town.open("strict", "def", "4")
    split(stable, candidate.address, 50)
    assert await stable.flood(100) == {(200, "abc"): 100}
    assert stable.outcomes.keys() == {"refused"}


async def test_answers_that_are_not_finite_are_nobodys_fault_where_the_stable_models_are_not_either(town: Town) -> None:
    stable, candidate = await town.open("log"), await town.open("log", "def", "4")
    for house in (stable, candidate):
        split(house, candidate.address, 50)
    assert await stable.flood(100, data=body([[-1.0, 1.0]])) == {(200, "abc"): 100}
    await until(lambda: sum(stable.outcomes.values()) >= 45)
    assert stable.outcomes.keys() == {"faulty"}
    assert stable.report.forwarded["def"].held == 0


@pytest.mark.parametrize(("status", "outcome"), [(500, "failed"), (429, "overloaded"), (400, "refused")])
async def test_without_the_shield_clients_see_what_the_candidate_says(town: Town, status: int, outcome: str) -> None:
    stable = await town.open()
    async with served(answering(plain(status))) as address:
        split(stable, address, 50, None)
        seen = await stable.flood(100)
    assert set(seen) == {(200, "abc"), (status, "def")}
    await until(lambda: stable.outcomes.get(outcome, 0) == seen[status, "def"])
    assert stable.outcomes.keys() == {outcome}
    assert stable.report.forwarded["def"].held == 0


@pytest.mark.parametrize("shield", [Shield(), None])
async def test_one_that_was_never_reached_is_given_nothing_for_a_while(town: Town, shield: Shield | None) -> None:
    """As long as a Service may take to lead to its pods: they are not to blame."""
    stable = await town.open()
    async with closed() as address:
        split(stable, address, 50, shield)
        assert await stable.flood(40) == {(200, "abc"): 40}
        told = stable.report.forwarded["def"]
        assert told.outcomes == {}
        assert 15 <= told.held <= 25
        host, port = address.split(":")
        server = await asyncio.start_server(answering(plain(200)), host, int(port))
        await stable.knows_all()
        seen = await stable.flood(40)
        assert 15 <= seen[200, "def"] <= 25
        assert stable.outcomes == {"ok": seen[200, "def"]}
        server.close()


@pytest.mark.usefixtures("hasty")
async def test_without_the_shield_what_cannot_be_reached_is_told(town: Town) -> None:
    stable = await town.open(timeout_seconds=0.3)
    async with closed() as address:
        split(stable, address, 100, None)
        await stable.knows_all()
        assert (await stable.client().ask()).status == 502
    async with served(hang) as address:
        split(stable, address, 100, None)
        assert (await stable.client().ask()).status == 504
    assert stable.outcomes == {"broken": 1, "timeout": 1}


@pytest.mark.parametrize("how", ["header", "body", "configuration"])
async def test_the_clients_deadline_holds_though_the_candidate_hangs(town: Town, how: str) -> None:
    stable = await town.open(timeout_seconds=1.2 if how == "configuration" else 60.0)
    client = stable.client()
    async with served(hang) as address:
        split(stable, address, 100, Shield(patience_seconds=30))
        began = time.monotonic()
        if how == "header":
            told = await client.ask(x_request_timeout="1200ms")
        else:
            told = await client.ask(data=body(parameters={"timeout": 1_200_000} if how == "body" else {}))
        seconds = time.monotonic() - began
    assert (told.status, told.revision) == (200, "abc")
    # Half of its time was the candidate's.
    assert 0.6 <= seconds < 1.2


@pytest.mark.parametrize("name", ["hangs", "half a head", "drips"])
async def test_the_shield_holds_for_what_is_under_way_when_the_candidate_is_taken_out(town: Town, name: str) -> None:
    stable = await town.open()
    async with bad(name) as address:
        split(stable, address, 100, Shield(patience_seconds=0.5))
        asking = [asyncio.create_task(stable.client().ask()) for _ in range(4)]
        await asyncio.sleep(0.1)
        stable.follow({"abc": Route(version="3", role="stable")})
        answers = await asyncio.wait_for(asyncio.gather(*asking), 2)
    assert {(told.status, told.revision) for told in answers} == {(200, "abc")}


async def test_a_client_that_leaves_takes_its_request_from_the_candidate(town: Town) -> None:
    stable, left = await town.open(), asyncio.Event()

    async def notice(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await request(reader)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        left.set()

    async with served(notice) as address:
        split(stable, address, 100)
        client = stable.client()
        asking = asyncio.create_task(client.ask())
        await asyncio.sleep(0.05)
        client.close()
        await asyncio.wait_for(left.wait(), 2)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asking
    assert stable.outcomes == {"cancelled": 1}


async def test_clients_that_wait_in_vain_are_soon_answered_by_the_stable_version(town: Town) -> None:
    """Their patience ends before the shield's does: a hang is felt by a few, whatever they count as."""
    stable = await town.open()
    async with served(hang) as address:
        split(stable, address, 100)
        for _ in range(IN_A_ROW):
            await give_up(stable, after=NOTICED + 0.05)
        assert (await stable.client().ask()).revision == "abc"
    (told,) = stable.report.forwarded.values()
    assert (told.outcomes, told.held) == ({"cancelled": IN_A_ROW}, 1)


async def give_up(stable: House, after: float) -> None:
    """Ask, and leave without an answer."""
    client = stable.client()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.ask(), after)
    counted = stable.station.plane.tallies.by_revision["def"]
    before = counted.outcomes["cancelled"]
    client.close()
    await until(lambda: counted.outcomes["cancelled"] > before)


async def test_a_candidate_that_is_well_again_gets_its_share_back(town: Town) -> None:
    stable, well = await town.open(), False

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await request(reader)
            writer.write(plain(200 if well else 500))

    async with served(handle) as address:
        split(stable, address, 100)
        assert await stable.flood(50) == {(200, "abc"): 50}
        asked = sum(stable.outcomes.values())
        assert asked < 15
        well = True
        began = time.monotonic()
        while (await stable.flood(10, 1)) != {(200, "def"): 10}:
            assert time.monotonic() - began < 10
            await asyncio.sleep(0.1)
        # A probe each half second, five good ones in a row.
        assert time.monotonic() - began > 2


async def test_a_failing_candidate_does_not_double_the_stable_models_work(town: Town) -> None:
    stable = await town.open()
    async with served(answering(plain(500))) as address:
        split(stable, address, 50)
        await stable.flood(1000)
    told = stable.report.forwarded["def"]
    (meter,) = stable.station.plane.metrics._models.values()
    runs = sum(meter.inference.counts)
    assert runs <= 1000
    assert told.outcomes["failed"] < 30


async def test_a_revision_at_its_bound_is_given_no_more(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from moorage_runtime.servers.split import guest

    monkeypatch.setattr(guest, "IN_FLIGHT", 3)
    stable, most, now = await town.open(), 0, 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal most, now
        while True:
            await request(reader)
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.02)
            now -= 1
            writer.write(plain(200))

    async with served(slow) as address:
        split(stable, address, 100)
        seen = await stable.flood(100, 10)
    assert set(seen) == {(200, "abc"), (200, "def")}
    assert most == 3
    assert stable.report.forwarded["def"].held == seen[200, "abc"]


async def test_latencies_and_counts_of_own_answers_know_nothing_of_the_candidates(town: Town) -> None:
    stable = await town.open()
    async with served(hang) as address:
        split(stable, address, 50, Shield(patience_seconds=1))
        await stable.flood(40)
    own = stable.report.answered
    told = stable.report.forwarded["def"]
    assert own.outcomes == {"ok": 40}
    assert sum(own.seconds) == 40 - told.shielded
    slow = sum(count for bound, count in zip(LATENCY_BOUNDS, own.seconds, strict=False) if bound >= 1)
    assert slow == 0
    page = finish(stable.station.plane.metrics.steps()).decode()
    labels = '{model="fraud",version="4",revision="def"'
    assert f'moorage_forwarded_requests_total{labels},outcome="timeout"}} {told.outcomes["timeout"]}\n' in page
    assert f"moorage_shielded_requests_total{labels}}} {told.shielded}\n" in page
    assert f"moorage_held_requests_total{labels}}} {told.held}\n" in page
