"""Which bodies a door takes."""

from __future__ import annotations

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.head import Head

JSON = b"application/json"
BINARY_HEADER = b"inference-header-content-length"
# What curl sends by default, and what clients of other servers send: none of it can be JSON by chance.
_TYPES = (JSON, b"application/octet-stream", b"application/x-www-form-urlencoded", b"text/plain")


def check(head: Head) -> None:
    """Raises `RequestFault` 415 for a body that is no JSON."""
    kind = head.headers.get(b"content-type", JSON).partition(b";")[0].strip().lower()
    if kind not in _TYPES and not kind.endswith(b"+json"):
        raise RequestFault(415, "TypeUnsupported", "send application/json")
