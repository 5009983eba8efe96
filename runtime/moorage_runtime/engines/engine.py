"""What every engine can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from moorage_runtime.tensors import Array, TensorSpec


class Cancel:
    """Lets one thread end a run that another has under way; `stop` is set by the engine, called at most once."""

    def __init__(self) -> None:
        self._stop: Callable[[], None] | None = None
        self.called = False

    def on_call(self, stop: Callable[[], None]) -> None:
        """The engine says how this run is stopped; a call that came before stops it now."""
        self._stop = stop
        if self.called:
            stop()

    def __call__(self) -> None:
        """Stop the run, if it has begun, or as soon as it begins."""
        self.called = True
        if self._stop is not None:
            self._stop()


class Kernel(msgspec.Struct, frozen=True):
    """What computes a model's answers; `reason`: why no quicker one that might, "" where there is none."""

    name: str
    reason: str = ""


class Engine(Protocol):
    """One loaded model. `infer` may be called from several threads at once.

    `optional`: inputs with a default of the model's own, beside `inputs`, which every call gives.
    """

    platform: str
    kernel: Kernel
    inputs: Mapping[str, TensorSpec]
    optional: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    def infer(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None, cancel: Cancel | None = None
    ) -> dict[str, Array]:
        """Run the model once; `outputs` None means all.

        Raises `RequestFault` where the inputs are certainly to blame, else whatever the library raises.
        """
        ...

    def close(self) -> None:
        """Let go of the model's memory; no call may follow."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """What an engine has besides, when its answer comes in parts."""

    def stream(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None, cancel: Cancel | None = None
    ) -> Iterator[Mapping[str, Array]]:
        """The parts of one answer, as they are made, each a mapping of some outputs; to be closed when left early."""
        ...
