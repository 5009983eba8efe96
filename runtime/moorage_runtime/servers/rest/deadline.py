"""Until when a client waits for its answer."""

from __future__ import annotations

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head

HEADER = b"x-request-timeout"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def of(exchange: Exchange, timeout: float) -> float:
    """The monotonic time by which the answer must be there: after `timeout` seconds, or sooner if the client says so.

    Raises `RequestFault` 400 for a header that is no duration.
    """
    return exchange.began + of_head(exchange.head, timeout)


def of_head(head: Head, timeout: float) -> float:
    """How many seconds the client waits: `timeout`, or less if its head says so. Raises `RequestFault` 400."""
    asked = head.headers.get(HEADER)
    return timeout if asked is None else min(timeout, seconds(asked))


def seconds(text: bytes) -> float:
    """A duration in seconds: `0.5`, `500ms`, `2s`, `1m`. Raises `RequestFault` 400."""
    word = text.decode("latin-1").strip()
    number = word.rstrip("ms")
    try:
        found = float(number) * _UNITS[word[len(number) :] or "s"]
    except (ValueError, KeyError):
        found = 0.0
    if not 0 < found < float("inf"):
        raise RequestFault(
            400, "InvalidTimeout", f"{HEADER.decode()}: must be a positive duration such as 500ms, 2s or 0.5"
        )
    return found
