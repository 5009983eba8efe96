"""Who answers which request: shares, keys, names, and tables that change."""

from __future__ import annotations

import math

import pytest
from tests.unit.runtime.split.town import Town, split

from moorage_runtime.config import Route

COUNT = 20_000


@pytest.mark.parametrize("weight", [1, 5, 50])
async def test_a_share_is_exact(town: Town, weight: int) -> None:
    stable, candidate = await town.open(), await town.open(revision="def", version="4")
    split(stable, candidate.address, weight)
    seen = await stable.flood(COUNT, 16)
    assert set(seen) == {(200, "abc"), (200, "def")}
    share = weight / 100
    assert abs(seen[200, "def"] - COUNT * share) <= 4 * math.sqrt(COUNT * share * (1 - share))
    assert stable.report.forwarded["def"].outcomes == {"ok": seen[200, "def"]}
    assert stable.report.answered.outcomes == {"ok": seen[200, "abc"]}
    assert candidate.report.answered.outcomes == {"ok": seen[200, "def"]}
