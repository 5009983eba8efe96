"""How much of great bodies is read in one turn of the loop: in between, small requests are read and answered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

# Copied out of the kernel and to its place in a fraction of a millisecond.
TURN_BYTES = 1 << 20
# What a read may always bring, and what fewer bytes than these count: nothing.
GREAT_BYTES = 16 << 10


class Ration:
    """One for all connections of a port. `loop`: gives the port's. `left`: bytes that the next read may bring in this
    turn.
    """

    __slots__ = ("_loop", "_turning", "_waiting", "left")

    def __init__(self, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()
        self._turning = False
        self.left = TURN_BYTES

    def count(self, size: int) -> None:
        """So many bytes were read at once."""
        self.left = max(GREAT_BYTES, self.left - size)
        if not self._turning:
            self._turning = True
            self._loop().call_soon(self._turn)

    def wait(self, read_on: Callable[[], None]) -> None:
        """Have a connection that reads no more `read_on` in a later turn, in which no other that waits does."""
        self._waiting.append(read_on)
        self.count(0)

    def _turn(self) -> None:
        self.left = TURN_BYTES
        if self._waiting:
            self._waiting.popleft()()
        self._turning = bool(self._waiting)
        if self._turning:
            self._loop().call_soon(self._turn)
