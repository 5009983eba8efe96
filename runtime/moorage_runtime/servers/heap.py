"""Memory that large requests, or many clients at once, took goes back to the system when they are over.

Left to itself glibc learns from one large body that such are usual, keeps up to 64 MiB for the next, gives back nothing
that lies before something still in use, and keeps an arena for every thread, of which it never gives back the end.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os

LOOK_SECONDS = 5.0
# What is still there is in use, and looked for more seldom.
SELDOM = 3
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEPT_BYTES = 8 << 20
_LARGE_BYTES = 2 << 20
_GROWN_BYTES = 4 << 20
_STATM = "/proc/self/statm"


def bound() -> None:
    """Before any thread starts: one arena, and at most `_KEPT_BYTES` of freed memory at its end; nothing where the C
    library is another.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


async def watch() -> None:
    """Until cancelled, give back what is free while the process is larger than it has been."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None or not os.access(_STATM, os.R_OK):
        return
    least = kept = _resident()
    looks = 0
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        looks += 1
        now = _resident()
        if now > kept + _GROWN_BYTES or (now > least + _GROWN_BYTES and looks >= SELDOM):
            # Connections and refusals that are over still hold their bodies, in cycles. What was there at the start is
            # frozen, so the search is short.
            gc.collect()
            # Milliseconds of system calls, without the interpreter's lock; the loop waits only if it needs memory.
            await asyncio.to_thread(trim, 0)
            now, looks = _resident(), 0
            kept = now
        kept, least = min(kept, now), min(least, now)


def _resident() -> int:
    """Bytes of memory that the process has."""
    with open(_STATM, "rb") as told:
        return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
