"""Memory that large requests, or many clients at once, took goes back to the system when they are over.

Left to itself glibc learns from one large body that such are usual, keeps up to 64 MiB for the next, and gives back
nothing that lies before something still in use.
"""

from __future__ import annotations

import asyncio
import ctypes
import os

LOOK_SECONDS = 5.0
_SELDOM_SECONDS = 60.0
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 8 << 20
_LARGE_BYTES = 2 << 20
_GROWN_BYTES = 8 << 20
_STATM = "/proc/self/statm"


def bound() -> None:
    """Keep at most `_KEPT_BYTES` of freed memory at the end of the heap; nothing where the C library is another."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


async def watch() -> None:
    """Until cancelled, give back what is free while the process is larger than it has been."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None or not os.access(_STATM, os.R_OK):
        return
    least, seconds = _resident(), LOOK_SECONDS
    while True:
        await asyncio.sleep(seconds)
        now = _resident()
        if now <= least + _GROWN_BYTES:
            seconds = LOOK_SECONDS
        else:
            # Milliseconds of system calls, without the interpreter's lock; the loop waits only if it needs memory.
            await asyncio.to_thread(trim, 0)
            now = _resident()
            # What is still there is in use, and looked for less and less often.
            seconds = min(2 * seconds, _SELDOM_SECONDS) if now > least + _GROWN_BYTES else LOOK_SECONDS
        least = min(least, now)


def _resident() -> int:
    """Bytes of memory that the process has."""
    with open(_STATM, "rb") as told:
        return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
