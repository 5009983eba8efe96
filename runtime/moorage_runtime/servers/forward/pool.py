"""The connections to one address."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from moorage_runtime.servers.forward.errand import Errand
from moorage_runtime.servers.forward.link import Link

REFUSED = "ConnectionFailed"
# A Service spreads connections, not requests: pods that came later get none until old ones end.
AGE_SECONDS = 30.0
IDLE = 64
CONNECT_SECONDS = 5.0
KNOCKS_SECONDS = 0.1
# A Service leads to its pods up to about a second after they are ready.
STRANGER_SECONDS = 5.0


class Pool:
    """Keeps connections to `address` (`host:port`), the last used one first. To be used from the loop's thread only.

    `stranger`: nobody there has taken a connection yet, and it is too early to say that nobody will.
    """

    def __init__(self, address: str, clock: Callable[[], float]) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._clock = clock
        self._idle: list[Link] = []
        self._links: set[Link] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._closed = False
        self.address = address.encode()
        self.stranger = True
        self._knocking = asyncio.get_running_loop().create_task(self._knock())

    def send(self, errand: Errand) -> None:
        """Send an errand, over a kept connection if there is one."""
        now = self._clock()
        while self._idle:
            link = self._idle.pop()
            if link.open and now - link.born < AGE_SECONDS:
                link.send(errand)
                return
            link.drop()
        self.again(errand)

    def again(self, errand: Errand) -> None:
        """Send an errand over a new connection."""
        task = asyncio.get_running_loop().create_task(self._open(errand))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def release(self, link: Link) -> None:
        """For a link: it is free again."""
        if self._closed or len(self._idle) >= IDLE or self._clock() - link.born >= AGE_SECONDS:
            link.drop()
        else:
            self._idle.append(link)

    def forget(self, link: Link) -> None:
        """For a link: it has ended."""
        self._links.discard(link)
        if link in self._idle:
            self._idle.remove(link)

    def close(self) -> None:
        """Keep no connection any more; what is under way ends."""
        self._closed = True
        self._knocking.cancel()
        while self._idle:
            self._idle.pop().drop()

    def abort(self) -> None:
        """End everything at once."""
        self.close()
        for task in self._opening:
            task.cancel()
        for link in list(self._links):
            link.drop()

    async def _knock(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STRANGER_SECONDS):
                await self._reach()
        self.stranger = False

    async def _reach(self) -> None:
        """Until a first connection is taken, which carries nothing."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                transport, _ = await loop.create_connection(asyncio.Protocol, self._host, self._port)
            except (OSError, ValueError):
                await asyncio.sleep(KNOCKS_SECONDS)
            else:
                transport.close()
                return

    async def _open(self, errand: Errand) -> None:
        link = Link(self, self._clock())
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.create_connection(lambda: link, self._host, self._port)
        except (OSError, TimeoutError, ValueError):
            # A name with too long a part is a ValueError.
            if not errand.over:
                errand.broke(REFUSED)
            return
        self._links.add(link)
        if errand.over:
            self.release(link)
        else:
            link.send(errand)
