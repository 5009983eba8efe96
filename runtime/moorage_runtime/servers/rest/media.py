"""Which bodies a door takes, and which answers a client takes."""

from __future__ import annotations

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.head import Head

JSON = b"application/json"
BINARY = b"application/octet-stream"
EVENTS = b"text/event-stream"
# What curl sends by default, and what clients of other servers send: none of it can be JSON by chance.
_TYPES = (JSON, BINARY, b"application/x-www-form-urlencoded", b"text/plain")


def check(head: Head) -> None:
    """Raises `RequestFault` 415 for a body that is no JSON."""
    told = head.headers.get(b"content-type", JSON)
    if told == JSON:
        return
    kind = told.partition(b";")[0].strip().lower()
    if kind not in _TYPES and not kind.endswith(b"+json"):
        raise RequestFault(415, "TypeUnsupported", "send application/json")


def acceptable(head: Head, *kinds: bytes, otherwise: RequestFault | None = None) -> bytes:
    """The first of `kinds` that the client likes best.

    Raises `RequestFault` 406, or `otherwise`, when it likes none of them.
    """
    asked = head.headers.get(b"accept")
    if asked is None or asked == b"*/*":
        return kinds[0]
    ranges = [_range(part) for part in asked.split(b",")]
    best = max(kinds, key=lambda kind: _liking(kind, ranges))
    if _liking(best, ranges) <= 0:
        offer = ", ".join(kind.decode() for kind in kinds)
        raise otherwise or RequestFault(406, "NotAcceptable", f"this path answers with {offer}")
    return best


def _range(part: bytes) -> tuple[bytes, float]:
    kind, *parameters = (word.strip().lower() for word in part.split(b";"))
    for parameter in parameters:
        if parameter.startswith(b"q="):
            return kind, _weight(parameter[2:])
    return kind, 1.0


def _weight(text: bytes) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def _liking(kind: bytes, ranges: list[tuple[bytes, float]]) -> float:
    """How much a client likes a type: what it says of the type itself counts more than what it says of any."""
    family = kind.partition(b"/")[0] + b"/*"
    for wanted in (kind, family, b"*/*"):
        found = [weight for name, weight in ranges if name == wanted]
        if found:
            return max(found)
    return 0.0
