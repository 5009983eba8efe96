"""Where answers lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from moorage_runtime.tensors import Array

Outputs = Mapping[str, Array]


class _Keeping(Protocol):
    def keep(self, key: str, outputs: Outputs) -> None:
        """Remember an answer, if there is room for it."""
        ...

    def close(self) -> None:
        """Let go of what is held; no call may follow."""
        ...


@runtime_checkable
class LocalStore(_Keeping, Protocol):
    """Outputs by key, in this process. To be used from the loop's thread only; nothing here raises."""

    def lookup(self, key: str) -> Outputs | None:
        """What is kept; its arrays cannot be written to."""
        ...


@runtime_checkable
class RemoteStore(_Keeping, Protocol):
    """Outputs by key, elsewhere. To be used from the loop's thread only; nothing here raises."""

    def fetch(self, key: str, found: Callable[[Outputs | None], None]) -> None:
        """Call `found` once, now or soon, with what is kept there; its arrays cannot be written to."""
        ...


Store = LocalStore | RemoteStore


def read_only(outputs: Outputs) -> Outputs:
    """The same values, which nobody can change any more, and which keep no larger array alive."""
    return MappingProxyType({name: _own(array) for name, array in outputs.items()})


def _own(array: Array) -> Array:
    if array.base is not None:
        array = array.copy()
    array.setflags(write=False)
    return array
