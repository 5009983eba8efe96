"""Bounds of a share that was counted: Wilson's score interval.

Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22, 1927.
"""

from __future__ import annotations

from math import sqrt

Z95 = 1.6448536269514722
"""One-sided, 95 %."""


def upper(events: int, trials: int, z: float = Z95) -> float:
    """The share below which the true one lies with the confidence of `z`; 1 when nothing was counted."""
    if trials <= 0:
        return 1.0
    share, square = events / trials, z * z / trials
    spread = z * sqrt(share * (1.0 - share) / trials + square / (4.0 * trials))
    return min(1.0, (share + square / 2.0 + spread) / (1.0 + square))
