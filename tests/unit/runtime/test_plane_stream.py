"""Answers in parts: in order, no faster than they are read, and stopped when nobody reads them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.runtime.batching_fakes import Doubling
from tests.unit.runtime.plane_fakes import served

from moorage_runtime.config import Limits, RuntimeConfig, Source
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.dataplane.streaming import AHEAD
from moorage_runtime.engines.engine import Cancel
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.catalogue import Catalogue
from moorage_runtime.repository.served import Served
from moorage_runtime.routing import Routes
from moorage_runtime.tensors import Array

X = {"x": np.ones((1, 2), np.float32)}


class Counting(Doubling):
    """Gives 0, 1, 2 and so on as parts; fails at `bad`, hesitates at `slow`."""

    def __init__(self, parts: int = 10, bad: int = -1, slow: int = -1) -> None:
        super().__init__()
        self.parts, self.bad, self.slow = parts, bad, slow
        self.made = 0
        self.closed = threading.Event()

    def stream(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None, cancel: Cancel | None = None
    ) -> Iterator[Mapping[str, Array]]:
        try:
            for number in range(self.parts):
                if number == self.bad:
                    raise ValueError("secret/path")
                if number == self.slow:
                    time.sleep(0.3)
                self.made += 1
                yield {"y": np.array([number])}
        finally:
            self.closed.set()


def plane_of(engine: Any, **limits: Any) -> tuple[DataPlane, Served]:
    config = RuntimeConfig(
        model="fraud", version="3", revision="abc", source=Source(uri="file:///m"), limits=Limits(**limits)
    )
    catalogue = Catalogue(["fraud"])
    plane = DataPlane(config, catalogue, Routes(Path("/nowhere"), "abc"))
    what = served(engine, 1e-6)
    catalogue.install(what)
    return plane, what


def ends(plane: DataPlane) -> dict[str, int]:
    return {name: count for name, count in plane.metrics.model("fraud", "3").doors["v2"].outcomes() if count}


async def read(plane: DataPlane, what: Served, seconds: float = 5.0, seen: list[int] | None = None) -> list[int]:
    seen = [] if seen is None else seen
    async for part in plane.stream(what, X, None, time.monotonic() + seconds, "v2"):
        seen += part["y"].tolist()
    return seen


async def test_parts_come_in_order_and_the_whole_counts_as_one_request() -> None:
    plane, what = plane_of(Counting(100))
    assert await read(plane, what) == list(range(100))
    assert ends(plane) == {"ok": 1}
    assert plane.in_flight == 0


async def test_no_more_is_made_than_a_little_ahead_of_its_reader() -> None:
    engine = Counting(1000)
    plane, what = plane_of(engine)
    async with aclosing(plane.stream(what, X, None, time.monotonic() + 5, "v2")) as parts:
        await anext(parts)
        await anext(parts)
        await asyncio.sleep(0.05)
        assert engine.made <= 2 + AHEAD
    assert await asyncio.to_thread(engine.closed.wait, 5)
    assert ends(plane) == {"cancelled": 1}


async def test_a_reader_that_is_cancelled_stops_the_model() -> None:
    engine = Counting(1 << 60)
    plane, what = plane_of(engine)
    reading = asyncio.create_task(read(plane, what))
    await asyncio.sleep(0.02)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await asyncio.to_thread(engine.closed.wait, 5)
    assert (ends(plane), plane.in_flight) == ({"cancelled": 1}, 0)


async def test_a_part_that_fails_ends_the_answer_without_the_librarys_words() -> None:
    plane, what = plane_of(Counting(bad=3))
    seen: list[int] = []
    with pytest.raises(RequestFault) as caught:
        await read(plane, what, seen=seen)
    assert seen == [0, 1, 2]
    assert (caught.value.status, caught.value.message) == (500, "the model failed on this input")
    assert ends(plane) == {"failed": 1}


async def test_the_deadline_holds_for_the_last_part() -> None:
    plane, what = plane_of(Counting(slow=2))
    with pytest.raises(RequestFault) as caught:
        await read(plane, what, 0.1)
    assert caught.value.status == 504
    assert ends(plane) == {"timeout": 1}


async def test_a_model_that_answers_in_one_part_says_so() -> None:
    plane, what = plane_of(Doubling())
    with pytest.raises(RequestFault) as caught:
        await read(plane, what)
    assert (caught.value.status, caught.value.reason) == (406, "StreamUnsupported")


async def test_streams_are_bounded_like_any_other_request() -> None:
    plane, what = plane_of(Counting(), concurrency=1)
    async with aclosing(plane.stream(what, X, None, time.monotonic() + 5, "v2")) as parts:
        await anext(parts)
        with pytest.raises(RequestFault) as caught:
            await read(plane, what)
        assert caught.value.status == 429
    assert await read(plane, what) == list(range(10))
