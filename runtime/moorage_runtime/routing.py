"""The route table, as far as this pod needs it: which role its own revision has.

The kubelet swaps the file by a link, so a change is a change of inode, size or time; it is polled, because inotify
does not see through that swap. A missing or broken file changes nothing: the last good table stays.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import msgspec

from moorage_runtime.config import Route, RouteTable, decode_routes

log = logging.getLogger(__name__)
POLL_SECONDS = 0.25
_SERVING = frozenset({"stable", "candidate"})


class Routes:
    """The last good route table, seen from one revision."""

    def __init__(self, path: Path, revision: str) -> None:
        self._path = path
        self._revision = revision
        self._seen: tuple[int, int, int] | None = None
        self._table: RouteTable | None = None

    @property
    def generation(self) -> int:
        """The generation of the table in force; 0 before the first one."""
        return self._table.generation if self._table else 0

    @property
    def route(self) -> Route | None:
        """This revision's entry."""
        return self._table.revisions.get(self._revision) if self._table else None

    @property
    def leaving(self) -> bool:
        """Whether this revision should hand its clients over: a table exists, and gives it no serving role."""
        return self._table is not None and (self.route is None or self.route.role not in _SERVING)

    def poll(self) -> None:
        """Look at the file once, and read it if it changed."""
        try:
            found = self._path.stat()
            seen = (found.st_ino, found.st_size, found.st_mtime_ns)
            if seen == self._seen:
                return
            table = decode_routes(self._path.read_bytes())
        except OSError:
            return
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            log.warning("route table unreadable, the last good one stays", extra={"detail": str(error)})
            self._seen = seen
            return
        self._seen, self._table = seen, table
        log.info("route table applied", extra={"generation": table.generation, "role": self.route and self.route.role})

    async def watch(self) -> None:
        """Poll until cancelled."""
        while True:
            self.poll()
            await asyncio.sleep(POLL_SECONDS)
