"""How much of great bodies is read in one turn of the loop: in between, small requests are read and answered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

# Copied out of the kernel and to its place in a fraction of a millisecond.
READ_BYTES = 1 << 20
# Of all connections together. Bodies that wait in the kernel grow cold, and cost a third more.
TURN_BYTES = 8 << 20
# What a read may always bring, and what fewer bytes than these count: nothing.
GREAT_BYTES = 16 << 10


class Ration:
    """One for all connections of a port. `loop`: gives the port's. `left`: bytes that the next read may bring in this
    turn, but for connections whose turn it is: each of them may read `READ_BYTES`.
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
        """A connection reads no more: have it `read_on` in a later turn, among few others."""
        self._waiting.append(read_on)
        self.count(0)

    def _turn(self) -> None:
        waiting = self._waiting
        self._turning = bool(waiting)
        # While some wait, nobody comes in between.
        self.left = GREAT_BYTES if waiting else TURN_BYTES
        if waiting:
            for _ in range(min(len(waiting), TURN_BYTES // READ_BYTES)):
                waiting.popleft()()
            self._loop().call_soon(self._turn)
