"""One inference on its way through the data plane."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mypy_extensions import mypyc_attr

from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array

if TYPE_CHECKING:
    from moorage_runtime.dataplane.guard import Guard
    from moorage_runtime.dataplane.lane import Lane
    from moorage_runtime.metrics.meters import DoorMeter
    from moorage_runtime.tracing import Trace

log = logging.getLogger(__name__)


@mypyc_attr(allow_interpreted_subclasses=True)
class Call:
    """What a door hands over, and hears of exactly once: `answered` or `refused`, in the loop's thread, now or later.

    The door gives `inputs`, checked tensors by input name; `outputs`, the wanted ones, None for all; `began` and
    `deadline`, seconds by `time.monotonic`. It may set `gone` when nobody waits for the answer any more, `cache` to
    `"bypass"`, `received` to the bytes of the request's body, `trace` to where the request belongs; and, in `answered`,
    `sent` to the bytes of the answer's body.

    The data plane tells the door `cache_state` (HIT, MISS, COALESCED, BYPASS; None without a cache) before the end.
    The rest is between the data plane and batching.
    """

    __slots__ = (
        "began",
        "cache",
        "cache_state",
        "deadline",
        "gone",
        "guard",
        "inputs",
        "lane",
        "meter",
        "outputs",
        "queued",
        "received",
        "rows",
        "run",
        "sent",
        "trace",
    )

    lane: Lane
    meter: DoorMeter
    queued: float
    rows: int

    def __init__(
        self,
        inputs: Mapping[str, Array],
        outputs: tuple[str, ...] | None,
        began: float,
        deadline: float,
        received: int = 0,
        cache: str | None = None,
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.began = began
        self.deadline = deadline
        self.gone = False
        self.guard: Guard | None = None
        self.cache = cache
        self.cache_state: str | None = None
        self.received = received
        self.sent = 0
        self.trace: Trace | None = None
        self.run: tuple[float, float, int] | None = None

    def answered(self, outputs: Mapping[str, Array]) -> bool | None:
        """The model's answer: the wanted outputs by name. What it raises is the call's refusal instead.

        Gives True where the door takes its time to write it: it then says `told`, or `fail`.
        """
        raise NotImplementedError

    def refused(self, fault: RequestFault) -> None:
        """There is no answer, and this is why."""
        raise NotImplementedError

    @property
    def door(self) -> str:
        """The name of the door that it came through."""
        return self.meter.name

    def finish(self, outputs: Mapping[str, Array]) -> None:
        """For the data plane: the call ends well, unless its door cannot tell this answer."""
        try:
            if self.guard is not None:
                self.guard(outputs, self.outputs)
            later = self.answered(outputs)
        except Exception as error:
            self.failed(error)
            return
        if not later:
            self.lane.ended(self, None)

    def told(self) -> None:
        """For a door that took its time: the answer is given."""
        self.lane.ended(self, None)

    def failed(self, error: Exception) -> None:
        """The answer could not be written."""
        if isinstance(error, RequestFault):
            self.fail(error)
            return
        log.error("answer cannot be told", exc_info=error, extra={"model": self.lane.served.name})
        self.fail(RequestFault(500, "AnswerFailed", "the model's answer cannot be told in this protocol"))

    def fail(self, fault: RequestFault) -> None:
        """For the data plane: the call ends without an answer."""
        try:
            self.refused(fault)
        except Exception:
            log.exception("refusal cannot be told", extra={"model": self.lane.served.name})
        self.lane.ended(self, fault)
