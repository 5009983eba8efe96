"""Numbers as people read them."""

from __future__ import annotations

from math import isinf


def percent(part: int, whole: int) -> str:
    """1.2 %, 0.02 %, 0 %."""
    return f"{_figures(100 * part / whole)} %" if whole else "none yet"


def milliseconds(seconds: float) -> str:
    """0.31 ms, 48 ms, 2.1 s."""
    if isinf(seconds):
        return "over a minute"
    return f"{_figures(seconds)} s" if seconds >= 1.0 else f"{_figures(1000 * seconds)} ms"


def span(seconds: float) -> str:
    """About how long: 40 s, 6 min, 3 h, 2 days."""
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(seconds, 1):.0f} s"


def _figures(number: float) -> str:
    """Two significant figures, whole numbers whole."""
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"
