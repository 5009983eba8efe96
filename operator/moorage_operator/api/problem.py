"""One thing that is wrong, as it will be told in a condition."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A condition's reason and a sentence with the cure. `terminal`: time alone will not heal it."""

    reason: str
    message: str
    terminal: bool = False
