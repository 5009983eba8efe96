"""The few things that batching needs of an event loop: so that tests can turn it by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """It will not."""


class Scheduler(Protocol):
    """An event loop, as far as it is needed."""

    def call_soon(self, callback: Callable[..., object], *args: Any) -> object:
        """In the loop's next turn."""

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any) -> object:
        """The same, from another thread. Raises `RuntimeError` when the loop is closed."""

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Timer:
        """After `delay` seconds."""


class Pool(Protocol):
    """Threads."""

    def submit(self, work: Callable[..., object], /, *args: Any) -> object:
        """Do it in one of them, now or when one is free."""
