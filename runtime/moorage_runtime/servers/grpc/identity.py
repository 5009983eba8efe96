"""What metadata says: who asked and how, and who answered."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from moorage_runtime.repository.served import Served
from moorage_runtime.servers.grpc.status import Metadata

_SAFE = "!#$&'()*+,/:;=?@[]~ -._"
_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=@,-]{1,128}\Z").match
_REQUEST_ID = "x-request-id"
_READ = frozenset({_REQUEST_ID, "cache-control", "traceparent", "tracestate"})
_PAST_THE_CACHE = re.compile(r"(?:^|,)\s*no-(?:cache|store)\s*(?:,|$)", re.IGNORECASE).search
_NOTHING: Mapping[str, str] = {}
_PREFIX = os.urandom(4).hex()
_count = itertools.count()


def sent(metadata: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """What a client says of a request beside its message, as far as this server reads it."""
    said = None
    for name, value in metadata:
        if name in _READ:
            said = {name: value} if said is None else said | {name: value}
    return _NOTHING if said is None else said


def request_id(said: Mapping[str, str]) -> tuple[str, str]:
    """`x-request-id` as the client sent it, when it is sane, else a new one."""
    if said:
        given = said.get(_REQUEST_ID)
        if given is not None and _SANE_ID(given):
            return _REQUEST_ID, given
    return _REQUEST_ID, f"{_PREFIX}{next(_count) & 0xFFFFFFFF:08x}"


def past_the_cache(said: Mapping[str, str]) -> bool:
    """Whether a remembered answer is not wanted."""
    return bool(_PAST_THE_CACHE(said.get("cache-control", "")))


def trace(said: Mapping[str, str]) -> tuple[bytes | None, bytes | None]:
    """`traceparent` and `tracestate`."""
    parent, state = said.get("traceparent"), said.get("tracestate")
    return parent.encode() if parent else None, state.encode() if state else None


def of(served: Served) -> Metadata:
    """`x-model-version` and `x-model-revision`, percent-encoded where metadata needs it."""
    return (
        ("x-model-version", quote(served.version, safe=_SAFE)),
        ("x-model-revision", quote(served.revision, safe=_SAFE)),
    )
