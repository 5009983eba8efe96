"""How a request ended that another revision was given."""

from __future__ import annotations

from collections.abc import Mapping

from moorage_runtime.dataplane.guard import INVALID as ANSWER_INVALID
from moorage_runtime.servers.rest.faults import REASON

OK, REFUSED, FAULTY, FAILED, INVALID, TIMEOUT, BROKEN, OVERLOADED, CANCELLED = (
    "ok",
    "refused",
    "faulty",
    "failed",
    "invalid",
    "timeout",
    "broken",
    "overloaded",
    "cancelled",
)
TOO_LATE = "TooLate"
# Whether they speak against the revision depends on what the own model says to the same request.
DOUBTFUL = frozenset({REFUSED, INVALID})
_NAMED = {429: OVERLOADED, 499: CANCELLED, 504: TIMEOUT}


def of_answer(status: int, headers: Mapping[bytes, bytes]) -> tuple[str, str]:
    """The outcome of an answer, and its reason where it is no good one."""
    if 200 <= status < 300:
        return OK, ""
    reason = headers.get(REASON, b"Status%d" % status).decode("latin-1")
    if reason == ANSWER_INVALID:
        return INVALID, reason
    if status in _NAMED:
        return _NAMED[status], reason
    return (REFUSED if 400 <= status < 500 else FAILED), reason


def agreed(outcome: str, status: int, headers: Mapping[bytes, bytes]) -> bool:
    """Whether the own model ended the same request in the same doubtful way."""
    return of_answer(status, headers)[0] == outcome
