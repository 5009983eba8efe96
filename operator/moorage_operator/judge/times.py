"""Times as the status writes them: RFC 3339 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def seconds(time: datetime) -> str:
    """To the second, as metav1.Time."""
    return _utc(time, "seconds")


def milliseconds(time: datetime) -> str:
    """To the millisecond, where a second is the very thing that is waited for."""
    return _utc(time, "milliseconds")


def _utc(time: datetime, precision: str) -> str:
    return time.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
