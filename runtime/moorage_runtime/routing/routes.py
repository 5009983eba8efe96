"""The route table in force.

The kubelet swaps the file by a link, so a change is a change of inode, size or time; it is polled, because inotify
does not see through that swap. A missing, broken or older file changes nothing: the last good table stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from moorage_runtime.config import Route, RouteTable, decode_routes
from moorage_runtime.routing.plan import GUESTS, RETIRING, Plan, plan
from moorage_runtime.routing.validity import obstacle

log = logging.getLogger(__name__)
POLL_SECONDS = 0.25


class Routes:
    """The last good route table, seen from one revision.

    `changes` grows with every table that comes into force. `refused`: why the newest one is not, None when it is.
    """

    def __init__(self, path: Path, revision: str) -> None:
        self._path = path
        self._revision = revision
        self._seen: tuple[int, int, int] | None = None
        self._followers: list[Callable[[], None]] = []
        self.plan: Plan | None = None
        self.refused: str | None = None
        self.changes = 0

    @property
    def generation(self) -> int:
        """The generation of the table in force; 0 before the first one."""
        return self.plan.table.generation if self.plan else 0

    @property
    def route(self) -> Route | None:
        """This revision's entry."""
        return self.plan.table.revisions.get(self._revision) if self.plan else None

    @property
    def leaving(self) -> bool:
        """Whether this revision should hand its clients over: a table exists, and gives it no role any more."""
        return self.plan is not None and (self.route is None or self.route.role == RETIRING)

    @property
    def guest(self) -> bool:
        """Whether this revision's answers are doubted: it is a candidate, a shadow or an arm."""
        return self.route is not None and self.route.role in GUESTS

    def follow(self, follower: Callable[[], None]) -> None:
        """Have `follower` called after every change."""
        self._followers.append(follower)

    def poll(self) -> None:
        """Look at the file once, and follow it if it changed."""
        try:
            found = self._path.stat()
            seen = (found.st_ino, found.st_size, found.st_mtime_ns)
            if seen == self._seen:
                return
            text = self._path.read_bytes()
        except OSError:
            return
        self._seen = seen
        try:
            table = decode_routes(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._refuse(f"unreadable: {error}"[:300])
            return
        wrong = obstacle(table, self.generation)
        if wrong is None:
            self._apply(table)
        else:
            self._refuse(wrong)

    async def watch(self) -> None:
        """Poll until cancelled."""
        while True:
            self.poll()
            await asyncio.sleep(POLL_SECONDS)

    def _apply(self, table: RouteTable) -> None:
        self.refused = None
        if self.plan is not None and self.plan.table == table:
            return
        self.plan = plan(table, self._revision)
        self.changes += 1
        log.info("route table applied", extra={"generation": table.generation, "role": self.route and self.route.role})
        for follower in self._followers:
            follower()

    def _refuse(self, why: str) -> None:
        self.refused = why
        log.warning("route table refused, the last good one stays", extra={"detail": why})
