"""Answers of two real pods, compared while clients are served: through every door, forwarded or copied."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest
from tests.unit.runtime.grpc import messages
from tests.unit.runtime.split.town import INFER, House, Town, answering, body, plain, request, served, split

from moorage_runtime.comparing import backlog
from moorage_runtime.config import Compare, Forwarded, Route

RULE = Compare(queue=4096)
# The logarithm of one is none, and of two another number: two rows, each wrong in its own way.
ONE_TWO = [[1.0, 2.0], [2.0, 1.0]]
TENSOR = {"name": "x", "datatype": "FP32", "shape": [2, 2]}
MESSAGE = messages.make(
    "ModelInferRequest", model_name="fraud", inputs=[TENSOR | {"contents": {"fp32_contents": [1.0, 2.0, 2.0, 1.0]}}]
).SerializeToString()
RAW_MESSAGE = messages.make(
    "ModelInferRequest",
    model_name="fraud",
    inputs=[TENSOR],
    raw_input_contents=[np.array(ONE_TWO, np.float32).tobytes()],
).SerializeToString()
GRPC = "/inference.GRPCInferenceService/ModelInfer"
DOORS: dict[str, dict[str, Any]] = {
    "v2": {"path": INFER, "data": body(ONE_TWO)},
    "v2 binary": {"path": INFER, "data": body(ONE_TWO, parameters={"binary_data_output": True})},
    "v1": {"path": "/v1/models/fraud:predict", "data": json.dumps({"instances": ONE_TWO}).encode()},
    "v1 columns": {"path": "/v1/models/fraud:predict", "data": json.dumps({"inputs": ONE_TWO}).encode()},
    "features": {"path": "/v1/predict", "data": b'{"rows":[{"f0":1,"f1":2},{"f0":2,"f1":1}]}'},
    "grpc": {"path": GRPC, "data": MESSAGE, "content_type": "application/proto"},
    "grpc raw": {"path": GRPC, "data": RAW_MESSAGE, "content_type": "application/proto"},
}


@pytest.fixture
def leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """All the time of the world: nothing is dropped because the machine is slow."""
    for name, value in (("TIME_SHARE", 1e9), ("BUSY_SHARE", 1e9), ("AGE_SECONDS", 60.0)):
        monkeypatch.setattr(backlog, name, value)


async def until(house: House, met: Callable[[Forwarded], bool], seconds: float = 10.0) -> Forwarded:
    end = time.monotonic() + seconds
    while not met(told := house.report.forwarded["def"]):
        assert time.monotonic() < end, told
        await asyncio.sleep(0.01)
    return told


@pytest.mark.parametrize("door", sorted(DOORS))
@pytest.mark.usefixtures("leisure")
async def test_what_is_forwarded_is_asked_of_both_and_counted_once(town: Town, door: str) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 50, compare=RULE)
    seen = await stable.flood(40, 4, **DOORS[door])
    assert set(seen) == {(200, "abc"), (200, "def")}
    given = seen[200, "def"]
    told = await until(stable, lambda told: told.compared == given)
    assert (told.differed, told.dropped, told.copies, told.outcomes) == (0, 0, 0, {"ok": given})
    assert stable.report.answered.outcomes == {"ok": 40 - given}, "asking again is nobody's request"
    assert told.slower_seconds != 0


@pytest.mark.parametrize("door", sorted(DOORS))
@pytest.mark.usefixtures("leisure")
async def test_answers_that_are_well_formed_and_wrong_are_found(town: Town, door: str) -> None:
    stable, candidate = await town.open(), await town.open("log", revision="def", version="4")
    split(stable, candidate.address, 50, compare=RULE)
    seen = await stable.flood(40, 4, **DOORS[door])
    assert set(seen) == {(200, "abc"), (200, "def")}
    told = await until(stable, lambda told: told.compared == seen[200, "def"])
    assert told.differed == told.compared
    (sample,) = told.samples
    assert sample.endswith("[0, 1]: 0.693147182 instead of 2")


@pytest.mark.usefixtures("leisure")
async def test_messages_of_grpc_are_compared_forwarded_or_copied(town: Town) -> None:
    stable, other = await town.open(), await town.open("log", revision="def", version="4")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{stable.station._grpc.port}") as channel:
        ask = channel.unary_unary(GRPC)
        split(stable, other.address, 50, compare=RULE)
        for data in [MESSAGE, RAW_MESSAGE] * 10:
            await ask(data)
        told = await until(stable, lambda told: told.compared >= 9)
        assert (told.differed, told.copies) == (told.compared, 0)
        split(stable, other.address, 0, compare=RULE, shadow_percent=100.0)
        for data in [MESSAGE, RAW_MESSAGE]:
            await ask(data)
        told = await until(stable, lambda told: told.copies == 2 and told.differed == told.compared)
    assert told.samples == ("y[0, 1]: 0.693147182 instead of 2",)


@pytest.mark.usefixtures("leisure")
async def test_only_the_share_that_the_table_says_is_compared(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 50, compare=Compare(queue=4096, percent=25.0))
    await stable.flood(400)
    await until(stable, lambda told: told.compared >= 47)
    await asyncio.sleep(0.1)
    assert stable.report.forwarded["def"].compared <= 53


@pytest.mark.usefixtures("leisure")
async def test_the_tolerance_and_the_outputs_of_the_table_hold(town: Town) -> None:
    stable, candidate = await town.open(), await town.open("log", revision="def", version="4")
    for rule, differed in ((Compare(tolerance=5.0), 0), (Compare(outputs=("y",)), 10)):
        before = stable.report.forwarded.get("def", Forwarded())
        split(stable, candidate.address, 100, compare=rule)
        await stable.flood(10, 1)
        told = await until(stable, lambda told, before=before: told.compared == before.compared + 10)  # type: ignore[misc]
        assert told.differed - before.differed == differed


@pytest.mark.usefixtures("leisure")
async def test_copies_go_to_a_shadow_and_nobody_sees_them(town: Town) -> None:
    stable, shadow = await town.open(), await town.open("log", revision="def", version="4")
    revisions = {
        "abc": Route(version="3", role="stable", weight=100, address=stable.address),
        "def": Route(version="4", role="shadow", address=shadow.address),
    }
    stable.follow(revisions, compare=RULE, shadow_percent=20.0)
    await stable.knows_all()
    seen = await stable.flood(500)
    assert seen == {(200, "abc"): 500}

    def all_are_back(told: Forwarded) -> bool:
        return 97 <= told.compared == told.copies == shadow.report.answered.outcomes["ok"]

    told = await until(stable, all_are_back)
    assert told.copies <= 103
    assert (told.differed, told.outcomes) == (told.copies, {"ok": told.copies})
    assert stable.report.answered.outcomes == {"ok": 500}


@pytest.mark.parametrize("status", [400, 500, 503])
@pytest.mark.usefixtures("leisure")
async def test_a_shadow_that_fails_is_counted_and_costs_no_client_anything(town: Town, status: int) -> None:
    stable = await town.open()
    async with served(answering(plain(status))) as address:
        revisions = {
            "abc": Route(version="3", role="stable", weight=100, address=stable.address),
            "def": Route(version="4", role="shadow", address=address),
        }
        stable.follow(revisions, compare=RULE, shadow_percent=100.0)
        await stable.knows_all()
        assert await stable.flood(20, 1) == {(200, "abc"): 20}
        told = await until(stable, lambda told: told.copies == 20)
    assert told.outcomes == {"refused" if status == 400 else "failed": 20}
    assert (told.compared, told.differed) == (0, 0)


async def test_a_shadow_that_hangs_is_left_alone_after_a_few(town: Town) -> None:
    stable = await town.open()
    asked = 0

    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await request(reader)
        asked += 1
        await asyncio.sleep(60)

    async with served(hang) as address:
        revisions = {
            "abc": Route(version="3", role="stable", weight=100, address=stable.address),
            "def": Route(version="4", role="shadow", address=address),
        }
        stable.follow(revisions, compare=Compare(concurrency=3, queue=5), shadow_percent=100.0)
        assert await stable.flood(300, 4) == {(200, "abc"): 300}
        told = stable.report.forwarded["def"]
        assert asked <= 3 + 3
        assert told.dropped >= 300 - 5 - 6


async def test_comparing_takes_a_small_part_of_what_serving_does(town: Town) -> None:
    """The whole town's time on the processor for the same requests, by turns with and without a comparison of all."""
    stable, candidate = await town.pair()
    spent: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(10):
        compared = turn % 2 == 1
        split(stable, candidate.address, 50, compare=Compare() if compared else None)
        began = time.process_time()
        await stable.flood(300, 8)
        spent[compared].append(time.process_time() - began)
    assert stable.report.forwarded["def"].compared > 0
    assert np.median(spent[True]) < 1.25 * np.median(spent[False]), spent


async def test_under_overload_comparisons_are_dropped_and_counted(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 50, compare=Compare(queue=4, concurrency=1))
    seen = await stable.flood(2000, 32)
    assert seen.total() == 2000
    assert {status for status, _ in seen} == {200}
    told = await until(stable, lambda told: told.compared + told.dropped == seen[200, "def"])
    assert told.dropped > told.compared > 0
