"""The tables that each door's own tests have, at their doors and sorted by kind."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.attack import Attack
from tests.hostile.sending import attack, raw
from tests.unit.runtime.bad import v2_binary, v2_heads, v2_json
from tests.unit.runtime.bad.case import Case
from tests.unit.runtime.http.test_heads import MALFORMED
from tests.unit.runtime.http.wire import request

_JSON = {"no JSON": "malformed JSON", "other JSON": "malformed JSON", "deep": "depth bombs", "bomb": "memory bombs"}
_HIDDEN = ("repository", "memory", "/logging", "/trace", "/metrics", "/state", "/config", "/stats")
_COMPRESSED = ("gzip", "deflate", "brotli", "an unknown coding")


def attacks() -> Iterator[Attack]:
    for case in v2_json.cases():
        yield attack("v2 json", _JSON.get(case.name.partition(":")[0], "tensors"), case)
    for case in v2_binary.cases():
        yield attack("v2 binary", _of_binary(case), case)
    for case in v2_heads.cases():
        yield attack("v2 json", of_head(case), case)
    for number, data in enumerate(MALFORMED):
        good = request("/v2/health/live")
        asked = data.replace(b"/echo", b"/v2/health/live")
        for port, admin in (("public", False), ("admin", True)):
            door = "admin" if admin else "transport"
            yield raw(door, "heads and smuggling", f"{port} {number}: {data[:60]!a}", asked + good, 400, admin=admin)


def _of_binary(case: Case) -> str:
    if case.name.startswith(_COMPRESSED):
        return "compression bombs"
    return "tensors" if case.name.startswith(("shape", "text shape")) else "binary lies"


def of_head(case: Case) -> str:
    """The kind of a case that is all path and head."""
    if case.name.startswith(("path", "a slash", "a query")):
        return "closed doors" if any(word in case.path for word in _HIDDEN) else "paths"
    if "Content-Type" in case.name or "Upgrade" in case.name:
        return "other media"
    return "sizes" if "length" in case.name else "heads and smuggling"
