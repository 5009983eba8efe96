"""Durations as Kubernetes and Go write them: 250ms, 5s, 1.5s, 2m, 1h, 1m30s."""

from __future__ import annotations

import re

from moorage_operator.api.conditions import Reason
from moorage_operator.errors import SpecFault

_NUMBER = r"[0-9]{1,7}(\.[0-9]{1,6})?"
PATTERN = rf"^({_NUMBER}(ms|s|m|h)){{1,4}}$"

_TERM = re.compile(r"([0-9.]+)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration_seconds(text: str, field: str) -> float:
    """The duration in seconds. Raises SpecFault naming `field` (a path such as spec.timeout) when the text is none."""
    if re.fullmatch(PATTERN, text) is None:
        raise SpecFault(
            Reason.INVALID_DURATION, f"{field}: {text[:40]!r} is not a duration; write for example 500ms, 5s or 1m30s."
        )
    return sum(float(number) * _SECONDS[unit] for number, unit in _TERM.findall(text))
