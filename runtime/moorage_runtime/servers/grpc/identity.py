"""What metadata says: who asked and how, and who answered."""

from __future__ import annotations

import itertools
import os
import re
from urllib.parse import quote

from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http2 import hpack
from moorage_runtime.servers.http2.head import Head

_SAFE = "!#$&'()*+,/:;=?@[]~ -._"
_SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=@,-]{1,128}\Z").match
_PAST_THE_CACHE = re.compile(rb"(?:^|,)\s*no-(?:cache|store)\s*(?:,|$)", re.IGNORECASE).search
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])\Z").match
_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_NAME = b"\x00" + hpack.string(b"x-request-id")
_PREFIX = os.urandom(4).hex().encode()
_count = itertools.count()


class Facts:
    """What a client says of a call beside its message. `request_id`: its own, when it is sane. `seconds`: how long it
    waits. `coding`: of messages that say they are compressed. `fresh`: a remembered answer is not wanted. `trace`:
    `traceparent` and `tracestate`.
    """

    __slots__ = ("coding", "fresh", "request_id", "seconds", "trace")

    def __init__(self, head: Head) -> None:
        headers = head.headers
        given = headers.get(b"x-request-id")
        self.request_id = given if given is not None and _SANE_ID(given) else None
        self.seconds = _timeout(headers.get(b"grpc-timeout"))
        self.coding = headers.get(b"grpc-encoding", b"identity")
        self.fresh = bool(_PAST_THE_CACHE(headers.get(b"cache-control", b"")))
        self.trace = trace(head)

    def new_id(self) -> bytes:
        """The id of one request: the client's, else a new one."""
        return self.request_id or b"%b%08x" % (_PREFIX, next(_count) & 0xFFFFFFFF)


def facts(head: Head) -> Facts:
    """Read once for each head. Raises `RequestFault` 400."""
    known = head.facts
    if not isinstance(known, Facts):
        head.facts = known = Facts(head)
    return known


def trace(head: Head) -> tuple[bytes | None, bytes | None]:
    """`traceparent` and `tracestate`."""
    return head.headers.get(b"traceparent"), head.headers.get(b"tracestate")


def _timeout(given: bytes | None) -> float:
    if given is None:
        return float("inf")
    found = _TIMEOUT(given)
    if found is None:
        raise RequestFault(400, "InvalidTimeout", "grpc-timeout: must be up to 8 digits and one of H, M, S, m, u, n")
    return int(found[1]) * _SECONDS[found[2]]


def named(request_id: bytes) -> bytes:
    """A block of metadata: `x-request-id`."""
    return _NAME + hpack.string(request_id)


def of(served: Served) -> bytes:
    """A block of metadata: `x-model-version` and `x-model-revision`, percent-encoded where metadata needs it."""
    return hpack.write(
        (
            (b"x-model-version", quote(served.version, safe=_SAFE).encode()),
            (b"x-model-revision", quote(served.revision, safe=_SAFE).encode()),
        )
    )
