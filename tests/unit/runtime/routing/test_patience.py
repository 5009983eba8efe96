"""How long is too long, learned from the own model's answers."""

from __future__ import annotations

import pytest

from moorage_runtime.routing.patience import Patience


@pytest.mark.parametrize(
    ("usual", "told", "expected"),
    [(0.001, None, 1.0), (0.1, None, 2.0), (0.1, 0.3, 0.3), (9.0, None, 30.0)],
    ids=["at least a second", "twenty times", "as told", "half of the client's time"],
)
def test_a_guest_has_so_many_seconds(usual: float, told: float | None, expected: float) -> None:
    assert Patience(lambda: usual).seconds(60.0, told, 0.0) == expected


@pytest.mark.parametrize(
    ("usual", "waited", "expected"),
    [(0.001, 0.05, False), (0.001, 0.25, True), (0.05, 0.9, False), (0.05, 1.0, True)],
    ids=["at once", "in vain", "not longer than some own answers take", "far longer"],
)
def test_who_leaves_at_once_tells_nothing_of_the_guest(usual: float, waited: float, *, expected: bool) -> None:
    assert Patience(lambda: usual).lost(waited, 0.0) is expected


def test_it_learns_once_a_second() -> None:
    usual = iter([0.1, 0.2])
    patience = Patience(lambda: next(usual))
    assert [patience.seconds(60.0, None, now) for now in (0.0, 0.9, 1.0)] == [2.0, 2.0, 4.0]
