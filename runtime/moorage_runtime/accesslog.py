"""A line of JSON for some of the requests: which, how it ended, how long it took; never its headers or its body."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from zlib import crc32

import msgspec

# What a client chose itself is cut here: a line stays a line, and one write.
_LONGEST = 256


class Entry(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, tag_field="event", tag="request"):
    """One answered request. `ms`: from the whole request to its answer. Bytes: of the two bodies, without compression.

    `path`: with a placeholder for the model where it is a prediction. `batch_rows`: of the run that answered it.
    """

    time: str = ""
    method: str
    path: str
    status: int
    ms: float
    bytes_in: int
    bytes_out: int
    request_id: str
    model: str = ""
    version: str = ""
    door: str = ""
    trace_id: str = ""
    cache: str = ""
    batch_rows: int = 0


class AccessLog:
    """Takes `percent` of the requests, by a hash of their ids: all pods that meet a request take it, or none does."""

    def __init__(
        self,
        percent: float,
        write: Callable[[str], object] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._below = round(percent / 100 * (1 << 32))
        self._write = write or _to_stdout
        self._clock = clock
        self._encode = msgspec.json.Encoder().encode

    def takes(self, request_id: bytes) -> bool:
        """Whether the request with this id has a line."""
        return crc32(request_id) < self._below

    def tell(self, entry: Entry) -> None:
        """Write its line. Never raises: a log that cannot be written costs no request."""
        now = self._clock()
        entry.time = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"
        entry.path = entry.path[:_LONGEST]
        try:
            self._write(self._encode(entry).decode() + "\n")
        except (OSError, ValueError):
            return


def _to_stdout(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()
