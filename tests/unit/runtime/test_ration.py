"""Great reads wait for each other, and small ones for none."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import cast

import pytest
from tests.unit.runtime.http.wire import Loop

from moorage_runtime.servers.ration import GREAT_BYTES, READ_BYTES, TURN_BYTES, Ration


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def ration(loop: Loop) -> Ration:
    return Ration(lambda: cast(asyncio.AbstractEventLoop, loop))


def test_what_was_read_is_missing_until_the_next_turn(loop: Loop, ration: Ration) -> None:
    ration.count(100_000)
    assert ration.left == TURN_BYTES - 100_000
    loop.once()
    assert ration.left == TURN_BYTES
    assert not loop.soon


def test_a_little_may_always_be_read(ration: Ration) -> None:
    ration.count(3 * TURN_BYTES)
    assert ration.left == GREAT_BYTES


def test_while_somebody_waits_nobody_comes_in_between(loop: Loop, ration: Ration) -> None:
    ration.wait(lambda: None)
    loop.once()
    assert ration.left == GREAT_BYTES
    loop.once()
    assert ration.left == TURN_BYTES


def test_few_read_on_in_each_turn_in_the_order_in_which_they_came(loop: Loop, ration: Ration) -> None:
    seen: list[str] = []
    for name in "abcdefghijklmnopqr":
        ration.wait(partial(seen.append, name))
    turns = []
    while len(seen) < 18:
        loop.once()
        turns.append("".join(seen))
    assert turns == ["abcdefgh", "abcdefghijklmnop", "abcdefghijklmnopqr"]
    assert TURN_BYTES == 8 * READ_BYTES


def test_who_waits_again_comes_after_the_others(loop: Loop, ration: Ration) -> None:
    seen: list[str] = []

    def greedy() -> None:
        seen.append("greedy")
        if len(seen) < 5:
            ration.wait(greedy)

    ration.wait(greedy)
    ration.wait(partial(seen.append, "other"))
    loop.turn()
    assert seen == ["greedy", "other", "greedy", "greedy", "greedy"]
