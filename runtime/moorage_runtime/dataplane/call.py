"""One inference on its way through the data plane."""

from __future__ import annotations

from collections.abc import Mapping

from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array


class Call:
    """What a door hands over, and hears of exactly once: `answered` or `refused`, in the loop's thread, now or later.

    `inputs`: checked tensors by input name. `outputs`: the wanted ones, None for all. `began`, `deadline`: seconds by
    `time.monotonic`. `gone`: set by the door when nobody waits for the answer any more.
    """

    __slots__ = ("began", "deadline", "gone", "inputs", "outputs")

    def __init__(
        self, inputs: Mapping[str, Array], outputs: tuple[str, ...] | None, began: float, deadline: float
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.began = began
        self.deadline = deadline
        self.gone = False

    def answered(self, outputs: Mapping[str, Array]) -> None:
        """The model's answer: the wanted outputs by name."""
        raise NotImplementedError

    def refused(self, fault: RequestFault) -> None:
        """There is no answer, and this is why."""
        raise NotImplementedError
