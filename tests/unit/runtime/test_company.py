"""Who waits for company: not a request whose own rows are what its run costs, nor one whose bytes would be copied."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.runtime.plane_fakes import Desk

from moorage_runtime.batching.pace import Pace
from moorage_runtime.dataplane import lane

BUDGET = 0.001


def rows(count: int) -> list[list[float]]:
    return [[float(at), 1.0] for at in range(count)]


@pytest.mark.parametrize(
    ("samples", "alone"),
    [
        (((1, 6.0), (8, 13.0)), 15),  # 5 for the run, 1 for each row: from 15 rows on company saves a quarter at most
        (((1, 1.0), (8, 8.0)), 2),  # rows are all it costs; single rows may still meet
        (((1, 5.0), (8, 5.0)), 1 << 30),  # rows cost nothing
        (((1, 5.0),), 1 << 30),  # nobody knows
    ],
)
def test_from_so_many_rows_on_company_saves_little(samples: tuple[tuple[int, float], ...], alone: int) -> None:
    assert Pace(tuple((count, seconds * 1e-6) for count, seconds in samples), BUDGET).alone == alone


def test_requests_of_many_rows_run_at_once_and_small_ones_together() -> None:
    desk = Desk(1e-6, most=64)
    large = [desk.ask(rows(40)) for _ in range(2)]
    assert [call.status for call in large] == [200, 200]
    assert desk.engine.runs == [40, 40]
    small = [desk.ask(rows(2)) for _ in range(3)]
    desk.rest()
    assert [call.status for call in small] == [200] * 3
    assert desk.engine.runs == [40, 40, 6]


def test_rows_that_are_large_are_not_copied_into_a_batch() -> None:
    width = lane.JOINED_BYTES // 4 + 1
    desk = Desk(1e-6, most=64, width=width)
    calls = [desk.ask(np.zeros((1, width), np.float32)) for _ in range(3)]
    assert [call.status for call in calls] == [200] * 3
    assert desk.engine.runs == [1, 1, 1]
