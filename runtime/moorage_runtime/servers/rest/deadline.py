"""Until when a client waits for its answer."""

from __future__ import annotations

from moorage_runtime import durations
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.head import Head

HEADER = b"x-request-timeout"


def of_head(head: Head, timeout: float) -> float:
    """How many seconds the client waits: `timeout`, or less if its head says so. Raises `RequestFault` 400."""
    asked = head.headers.get(HEADER)
    return timeout if asked is None else min(timeout, _seconds(asked))


def _seconds(text: bytes) -> float:
    found = durations.seconds(text.decode("latin-1").strip(), bare=True)
    if not found:
        raise RequestFault(
            400, "InvalidTimeout", f"{HEADER.decode()}: must be a duration above 0, such as 500ms, 2s, 1m30s or 0.5"
        )
    return found
