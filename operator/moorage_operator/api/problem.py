"""One thing that is wrong, as it will be told in a condition."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A condition's reason and a sentence with the cure.

    `terminal`: time alone will not heal it. `patience`: seconds until it will count as terminal, None for never.
    """

    reason: str
    message: str
    terminal: bool = False
    patience: float | None = None


def impatient(reason: str, message: str, left: float) -> Problem:
    """A problem that may heal by itself, but not for long: `left` seconds from now."""
    return Problem(reason, message, terminal=left <= 0, patience=left if left > 0 else None)
