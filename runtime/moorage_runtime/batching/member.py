"""What runs: one call, as batching sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array


class Member(Protocol):
    """One call. `rows`: the common first length of its inputs, 0 when they have none: it then runs by itself.

    `began`, `deadline`, `queued`: seconds, monotonic.
    `run`: when its run began, how long it took, and the rows of all that ran with it.
    Exactly one of `finish` and `fail` is called, once, in the loop's thread; neither raises.
    """

    began: float
    deadline: float
    queued: float
    rows: int
    run: tuple[float, float, int] | None

    @property
    def inputs(self) -> Mapping[str, Array]:
        """Checked tensors by input name."""

    @property
    def outputs(self) -> tuple[str, ...] | None:
        """The wanted ones; None for all."""

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""

    def finish(self, outputs: Mapping[str, Array]) -> None:
        """The model's answer for exactly this member's rows."""

    def fail(self, fault: RequestFault) -> None:
        """There is none, and why."""


M = TypeVar("M", bound=Member)


class Witness(Protocol):
    """Sees runs, for the metrics."""

    def ran(self, members: Sequence[Member], rows: int, began: float, seconds: float) -> None:
        """One run of the model ended well, for these members."""

    def ran_at_once(self, member: Member, seconds: float) -> None:
        """So did the run of one member that never waited."""

    def failed(self, error: Exception) -> None:
        """The model failed on one member alone, for a reason that is not for its client."""

    def split(self, reason: str) -> None:
        """A run for several members gave nothing of use; each is run alone now."""

    def abandoned(self, change: int) -> None:
        """So many more (or fewer) runs go on that nobody waits for."""


def refusal(error: Exception, witness: Witness) -> RequestFault:
    """What a member hears when its own run failed. A library's words may hold paths of this machine: they go no
    further than the log."""
    if isinstance(error, RequestFault):
        return error
    witness.failed(error)
    return RequestFault(500, "InferenceFailed", "the model failed on this input")
