"""Durations as every door to Moorage reads them, a ModelDeployment's schema too: 250ms, 5s, 1.5s, 2m, 1h, 1m30s."""

from __future__ import annotations

import re

_NUMBER = r"[0-9]{1,7}(?:\.[0-9]{1,6})?"
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ms|s|m|h)){{1,4}}").fullmatch
_ALONE = re.compile(_NUMBER).fullmatch
_TERM = re.compile(r"([0-9.]+)(ms|s|m|h)").findall
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def told(seconds: float) -> str:
    """A duration for a person, to the millisecond; a shorter one to the microsecond."""
    return f"{round(seconds, 3):g} s" if seconds >= 0.001 or seconds <= 0 else f"{max(1, round(seconds * 1e6))} us"


def seconds(text: str, *, bare: bool = False) -> float | None:
    """How many seconds the text says, None when it is no duration. `bare`: a number alone is one, of seconds."""
    if _DURATION(text) is not None:
        return sum(float(number) * _SECONDS[unit] for number, unit in _TERM(text))
    return float(text) if bare and _ALONE(text) is not None else None
