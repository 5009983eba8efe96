"""A call whose end a test awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from moorage_runtime.dataplane.call import Call
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array


class Awaited(Call):
    """A door that stands on a coroutine: `future` gives the outputs, or raises the refusal."""

    __slots__ = ("future",)

    def __init__(
        self, inputs: Mapping[str, Array], outputs: tuple[str, ...] | None, began: float, deadline: float
    ) -> None:
        super().__init__(inputs, outputs, began, deadline)
        self.future: asyncio.Future[Mapping[str, Array]] = asyncio.get_running_loop().create_future()

    def answered(self, outputs: Mapping[str, Array]) -> None:
        """Wake the coroutine, if it still waits."""
        if not self.future.done():
            self.future.set_result(outputs)

    def refused(self, fault: RequestFault) -> None:
        """Wake it with the refusal."""
        if not self.future.done():
            self.future.set_exception(fault)
