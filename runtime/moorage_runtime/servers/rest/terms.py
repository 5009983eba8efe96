"""What the head of an inference request asks for, read once for all requests that send the same head."""

from __future__ import annotations

from mypy_extensions import mypyc_attr

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import deadline, media

BINARY_HEADER = b"inference-header-content-length"
_PAST_THE_CACHE = frozenset({b"no-cache", b"no-store"})
_DIGITS = 15
_IN_ONE_PART = RequestFault(406, "StreamUnsupported", "this model answers in one part, as application/json")


@mypyc_attr(allow_interpreted_subclasses=True)
class Terms:
    """`json_length`: where the body's JSON ends and binary tensors begin, None when all is JSON. `seconds`: how long
    the client waits. `cache`: "bypass" when a remembered answer is not wanted. `events`: the answer in parts.
    """

    __slots__ = ("cache", "events", "json_length", "seconds")

    def __init__(self, head: Head, timeout: float, *, streams: bool) -> None:
        media.check(head)
        self.json_length = _json_length(head)
        self.seconds = deadline.of_head(head, timeout)
        self.cache = "bypass" if past_the_cache(head) else None
        self.events = media.acceptable(head, media.JSON, media.BINARY, media.EVENTS) == media.EVENTS
        if self.events and not streams:
            media.acceptable(head, media.JSON, media.BINARY, otherwise=_IN_ONE_PART)
            self.events = False


def _json_length(head: Head) -> int | None:
    told = head.headers.get(BINARY_HEADER)
    if told is None:
        return None
    if not told.isdigit() or len(told) > _DIGITS:
        raise RequestFault(400, "InvalidRequest", "Inference-Header-Content-Length: must be a number of bytes")
    return int(told)


def past_the_cache(head: Head) -> bool:
    """Whether a remembered answer is not wanted."""
    asked = head.headers.get(b"cache-control")
    return asked is not None and any(word.strip().lower() in _PAST_THE_CACHE for word in asked.split(b","))
