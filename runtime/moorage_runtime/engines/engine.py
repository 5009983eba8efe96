"""What every engine can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from moorage_runtime.tensors import Array, TensorSpec


class Engine(Protocol):
    """One loaded model. `infer` may be called from several threads at once."""

    platform: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    def infer(self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Run the model once; `outputs` None means all. Raises whatever the library raises for bad values."""
        ...

    def close(self) -> None:
        """Let go of the model's memory; no call may follow."""
        ...
