"""What the trailing metadata of every answer tells: the request's id, and which version and revision answered."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence
from urllib.parse import quote

from moorage_runtime.repository.served import Served
from moorage_runtime.servers.grpc.status import Metadata

_SAFE = "!#$&'()*+,/:;=?@[]~ -._"
_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=@,-]{1,128}\Z").match
_PREFIX = os.urandom(4).hex()
_count = itertools.count()


def of(served: Served) -> Metadata:
    """`x-model-version` and `x-model-revision`, percent-encoded where metadata needs it."""
    return (
        ("x-model-version", quote(served.version, safe=_SAFE)),
        ("x-model-revision", quote(served.revision, safe=_SAFE)),
    )


def request_id(sent: Sequence[tuple[str, str | bytes]]) -> tuple[str, str]:
    """`x-request-id` as the client sent it, when it is sane, else a new one."""
    for name, value in sent:
        if name == "x-request-id" and isinstance(value, str) and _SANE_ID(value):
            return name, value
    return "x-request-id", f"{_PREFIX}{next(_count) & 0xFFFFFFFF:08x}"
