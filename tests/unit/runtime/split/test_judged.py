"""From requests to a judgement: real pods that split and count, read and judged as the operator does."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from tests.unit.runtime.split.town import House, Town, body, plain, request, served, split

from moorage_operator.analysis.look import Candidacy, look
from moorage_operator.api.judgement import Judgement, Reading, Readings, Rules, Totals, Verdict
from moorage_operator.cluster.pods import Direct, read_pods

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
RULES = Rules(min_samples=100, warm_up=0.0, compare_share=0.0)
CASE = Candidacy(RULES, "abc", "def", EPOCH)


async def read(houses: tuple[House, ...], seconds: float, before: Readings | None = None) -> Readings:
    now, found = EPOCH + timedelta(seconds=seconds), list[Reading]()
    async with aiohttp.ClientSession() as session:
        for house in houses:
            metadata = {"name": "p", "namespace": "ns", "uid": str(id(house)), "labels": labels(house)}
            pod = {"metadata": metadata, "status": {"phase": "Running", "podIP": "127.0.0.1"}}
            found += await read_pods(Direct(session, house.station._admin.port), [pod], now)
    return Readings(now.isoformat(), tuple(found), {before.mark: before.now} if before is not None else {})


def labels(house: House) -> dict[str, Any]:
    return {"moorage.dev/revision": house.station.plane.config.revision}


async def judged(town: Town, candidate: str) -> Judgement:
    """Half of 400 requests go to the candidate; the operator looks before and after."""
    stable, other = await town.open(), await town.open(candidate, revision="def", version="4")
    for house in (stable, other):
        split(house, other.address, 50)
    first = await read((stable, other), 1)
    opened = look(CASE, Totals(), first, EPOCH + timedelta(seconds=1))
    seen = await stable.flood(400, data=body([[-1.0, 2.0]]))
    assert {status for status, _ in seen} == {200}, "whatever it is, no client sees it"
    await asyncio.sleep(0.05)
    second = await read((stable, other), 11, first)
    assert all(reading.report is not None for reading in second.now)
    assert {reading.report.generation for reading in second.of("abc") if reading.report} == {1}
    return look(CASE, opened.totals, second, EPOCH + timedelta(seconds=11)).judgement


async def test_the_same_model_is_not_blamed(town: Town) -> None:
    judgement = await judged(town, "same")
    errors = next(check for check in judgement.checks if check.name == "errors")
    assert (errors.verdict, errors.candidate, errors.stable) == (Verdict.PASS, 0.0, 0.0)
    assert errors.samples == pytest.approx(200, abs=5)


@pytest.mark.parametrize("bad", ["log", "bent"], ids=["no numbers", "another shape"])
async def test_a_model_gone_wrong_is_told_by_its_fault(town: Town, bad: str) -> None:
    judgement = await judged(town, bad)
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, "CandidateAnswersInvalid")
    assert "AnswerInvalid" in judgement.message


async def test_a_model_that_takes_other_inputs_is_told_to_refuse(town: Town) -> None:
    judgement = await judged(town, "strict")
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, "CandidateRefuses")


async def test_a_model_that_hangs_now_and_then_is_told_though_its_clients_leave_first(town: Town) -> None:
    """Their patience is shorter than the shield's: nothing fails, and nothing is late."""
    stable, asked = await town.open(), itertools.count(1)
    async with served(lambda reader, writer: hang_now_and_then(asked, reader, writer)) as address:
        split(stable, address, 50)
        before = await read((stable,), 1)
        seen = look(CASE, Totals(), before, EPOCH + timedelta(seconds=1))
        for seconds in range(11, 111, 10):
            await impatient(stable, 100)
            now = await read((stable,), seconds, before)
            seen, before = look(CASE, seen.totals, now, EPOCH + timedelta(seconds=seconds)), now
            if seen.judgement.abort:
                break
    judgement = seen.judgement
    assert (judgement.verdict, judgement.reason, judgement.abort) == (Verdict.FAIL, "CandidateTimesOut", True)
    assert "were given up by their clients" in judgement.message


async def hang_now_and_then(asked: Iterator[int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One in ten gets no answer."""
    while True:
        await request(reader)
        if next(asked) % 10:
            writer.write(plain(200))
        else:
            await asyncio.Event().wait()


async def impatient(stable: House, count: int) -> None:
    """So many requests, none of which is waited for longer than a fifth of a second."""
    client = stable.client()
    for _ in range(count):
        try:
            await asyncio.wait_for(client.ask(), 0.2)
        except TimeoutError:
            client.close()
