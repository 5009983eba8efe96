"""Why a call needs no answer any more."""

from __future__ import annotations

from typing import Protocol

from moorage_runtime.durations import told
from moorage_runtime.errors import RequestFault


class Awaited(Protocol):
    """Something that somebody waits for. `began`, `deadline`: seconds, monotonic."""

    began: float
    deadline: float

    @property
    def gone(self) -> bool:
        """Whether nobody waits any more."""


def expired(call: Awaited, now: float) -> RequestFault | None:
    """Why it needs no answer any more; None when it does."""
    if call.gone:
        return client_gone()
    return late(call) if call.deadline <= now else None


def late(call: Awaited) -> RequestFault:
    """There is no answer within the time that the client, or the deployment, gives."""
    return RequestFault(504, "DeadlineExceeded", f"the model did not answer within {told(call.deadline - call.began)}")


def client_gone() -> RequestFault:
    """Nobody hears this one; it is counted."""
    return RequestFault(499, "ClientGone", "the client left before the answer")
