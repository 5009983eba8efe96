"""Memory that large requests took goes back to the system when they are over.

Left to itself glibc learns from one large body that such are usual, and keeps up to 64 MiB for the next.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 8 << 20
_LARGE_BYTES = 2 << 20


def bound() -> None:
    """Keep at most `_KEPT_BYTES` of freed memory at the end of the heap; nothing where the C library is another."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
