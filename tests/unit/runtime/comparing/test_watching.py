"""What becomes of answers that are handed over for comparison."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from moorage_runtime.comparing import backlog, finding, watching
from moorage_runtime.comparing.told import Naming
from moorage_runtime.comparing.watching import Comparing
from moorage_runtime.config import Compare
from moorage_runtime.routing.buckets import Turns
from moorage_runtime.routing.hooks import Question, Reply
from moorage_runtime.routing.tally import Tally

QUESTION = Question("v1", b"POST", b"/v1/models/m:predict", {}, b"{}", b"r", 5.0)
RULE = Compare(queue=10_000)
pytestmark = pytest.mark.usefixtures("leisure")


@pytest.fixture
def leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """All the time of the world: nothing is dropped because the machine is slow."""
    for name, value in (("TIME_SHARE", 1e9), ("BUSY_SHARE", 1e9), ("AGE_SECONDS", 60.0)):
        monkeypatch.setattr(backlog, name, value)


def said(value: object, seconds: float = 0.002, status: int = 200) -> Reply:
    body = msgspec.json.encode({"predictions": value})
    return Reply(status, {b"content-type": b"application/json"}, body, seconds)


class Guest:
    def __init__(self) -> None:
        self.tally = Tally("2")
        self.says: Reply | None = said([1.0])
        self.asked = 0

    async def copy(self, question: Question) -> Reply | None:
        assert question is QUESTION
        self.asked += 1
        self.tally.copies += 1
        return self.says


class Pod:
    """A pod whose own model says `says`; beside it one other revision, `new`."""

    def __init__(self, says: Reply | None) -> None:
        self.says = says
        self.asked = 0
        self.guest = Guest()
        self.comparing = Comparing(self.ask, {"new": self.guest}.get, lambda: False, Naming, time.monotonic, Turns(0.5))
        self.comparing.table(RULE)

    async def ask(self, question: Question) -> Reply | None:
        assert question is QUESTION
        self.asked += 1
        return self.says

    def forwarded(self, reply: Reply, times: int = 1) -> None:
        for _ in range(times):
            self.comparing.forwarded("new", QUESTION, reply)

    def own(self, reply: Reply, times: int = 1) -> None:
        for _ in range(times):
            self.comparing.own("new", QUESTION, reply)

    async def until(self, met: Callable[[Tally], bool]) -> Tally:
        end = time.monotonic() + 5
        while not met(self.guest.tally):
            assert time.monotonic() < end, self.guest.tally.report()
            await asyncio.sleep(0.005)
        return self.guest.tally


async def test_what_another_revision_answered_is_asked_again_and_compared() -> None:
    pod = Pod(said([1.0], seconds=0.001))
    pod.forwarded(said([1.0], seconds=0.004))
    pod.forwarded(said([2.0], seconds=0.004))
    assert pod.asked == 0, "not before the client's turn is over"
    tally = await pod.until(lambda tally: tally.compared == 2)
    assert (tally.differed, tally.dropped, pod.asked) == (1, 0, 2)
    assert tally.samples == ["predictions[0]: 2 instead of 1"]
    assert tally.slower_seconds == pytest.approx(0.006)


@pytest.mark.parametrize(("percent", "asked"), [(0.0, 0), (10.0, 10), (25.0, 25), (100.0, 100)])
async def test_the_share_that_is_compared_is_exact(percent: float, asked: int) -> None:
    pod = Pod(said([1.0]))
    pod.comparing.table(msgspec.structs.replace(RULE, percent=percent))
    pod.forwarded(said([1.0]), times=100)
    await asyncio.sleep(0)
    await pod.until(lambda tally: tally.compared >= asked - 1)
    assert abs(pod.asked - asked) <= 1


async def test_without_a_rule_nothing_is_compared_but_copies_go() -> None:
    pod = Pod(said([1.0]))
    pod.comparing.table(None)
    pod.forwarded(said([2.0]))
    pod.own(said([2.0]))
    tally = await pod.until(lambda tally: tally.copies == 1)
    assert (tally.compared, pod.asked) == (0, 0)


async def test_copies_are_compared_with_what_the_client_got() -> None:
    pod = Pod(None)
    pod.guest.says = said([3.0], seconds=0.005)
    pod.own(said([1.0], seconds=0.002))
    tally = await pod.until(lambda tally: tally.compared == 1)
    assert (tally.differed, tally.copies, pod.asked) == (1, 1, 0)
    assert tally.samples == ["predictions[0]: 3 instead of 1"]
    assert tally.slower_seconds == pytest.approx(0.003)


@pytest.mark.parametrize("says", [None, said([1.0], status=503)])
async def test_a_copy_that_failed_is_no_comparison(says: Reply | None) -> None:
    pod = Pod(None)
    pod.guest.says = says
    pod.own(said([1.0]))
    tally = await pod.until(lambda tally: tally.copies == 1)
    await asyncio.sleep(0.02)
    assert (tally.compared, tally.dropped) == (0, 0)


@pytest.mark.parametrize("says", [None, said([1.0], status=429)])
async def test_nothing_is_held_against_anyone_when_the_own_model_has_no_answer(says: Reply | None) -> None:
    pod = Pod(says)
    pod.forwarded(said([1.0]))
    tally = await pod.until(lambda tally: tally.dropped == 1)
    assert (tally.compared, tally.differed) == (0, 0)


async def test_a_revision_that_is_gone_is_not_asked() -> None:
    pod = Pod(said([1.0]))
    pod.comparing.forwarded("gone", QUESTION, said([1.0]))
    pod.comparing.own("gone", QUESTION, said([1.0]))
    await asyncio.sleep(0.02)
    assert (pod.asked, pod.guest.asked) == (0, 0)


async def test_large_answers_are_compared_beside_the_loop_and_larger_ones_not(monkeypatch: pytest.MonkeyPatch) -> None:
    beside: list[bool] = []

    def compare(*given: Any) -> finding.Finding:
        beside.append(threading.current_thread() is not threading.main_thread())
        return real(*given)

    real = finding.compare
    monkeypatch.setattr(finding, "compare", compare)
    large = [0.123456789] * (watching.AT_ONCE_BYTES // 12)
    pod = Pod(said(large))
    pod.forwarded(said([*large[:-1], 7.0]))
    tally = await pod.until(lambda tally: tally.compared == 1)
    assert tally.samples == [f"predictions[{len(large) - 1}]: 7 instead of 0.123456789"]
    pod.forwarded(said([1.0] * watching.JSON_BYTES))
    assert tally.dropped == 1
    pod.says = said([1.0] * watching.JSON_BYTES)
    pod.forwarded(said(large))
    await pod.until(lambda tally: tally.dropped == 2)
    pod.says = said([1.0])
    pod.forwarded(said([1.0]))
    await pod.until(lambda tally: tally.compared == 2)
    assert beside == [True, False]


async def test_overload_drops_and_counts_every_one() -> None:
    pod = Pod(said([1.0]))
    pod.comparing.table(Compare(queue=8, concurrency=1))
    pod.forwarded(said([1.0]), times=1000)
    tally = await pod.until(lambda tally: tally.compared + tally.dropped == 1000)
    assert (tally.compared, tally.dropped, pod.asked) == (8, 992, 8)


async def test_a_revision_that_hangs_holds_up_copies_alone() -> None:
    pod = Pod(said([1.0]))
    never = asyncio.Event()

    async def hang(_question: Question) -> Reply | None:
        await never.wait()
        return None

    pod.guest.copy = hang  # type: ignore[method-assign, assignment]
    pod.comparing.table(Compare(queue=8, concurrency=2))
    pod.own(said([1.0]), times=100)
    pod.forwarded(said([1.0]))
    tally = await pod.until(lambda tally: tally.compared == 1)
    assert tally.dropped == 92
    pod.comparing.close()
    await asyncio.sleep(0)


async def test_a_few_samples_are_kept_and_each_is_short() -> None:
    pod = Pod(said(["x" * 300] * 30))
    pod.forwarded(said(["y" * 300] * 30), times=20)
    tally = await pod.until(lambda tally: tally.differed == 20)
    assert 1 <= len(tally.report().samples) <= 5
    assert all(len(sample) <= watching.SAMPLE_CHARACTERS for sample in tally.samples)
    assert "yyyy" in tally.samples[0]
    assert "y" * 41 not in tally.samples[0]
