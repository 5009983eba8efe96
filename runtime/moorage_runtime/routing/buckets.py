"""Which part of the traffic a request is: by a key, the same for ever and everywhere; without one, by turns."""

from __future__ import annotations

from hashlib import blake2b
from random import random

BUCKETS = 10_000
# The golden ratio: of all steps the one after which any run of draws lies most evenly.
_STEP = 0.6180339887498949


def bucket(salt: str, key: bytes) -> int:
    """The bucket of a key, 0 to 9999: the first 8 bytes of BLAKE2b of salt, a zero byte and key, big-endian, modulo
    10,000.
    """
    return int.from_bytes(blake2b(salt.encode() + b"\0" + key, digest_size=8).digest(), "big") % BUCKETS


class Turns:
    """A sequence of numbers in 0..1 whose shares are exact even in short stretches; it begins anywhere."""

    __slots__ = ("_at",)

    def __init__(self, start: float | None = None) -> None:
        self._at = random() if start is None else start  # noqa: S311 - a fair start, no secret

    def next(self) -> float:
        """The next number."""
        at = self._at + _STEP
        if at >= 1.0:
            at -= 1.0
        self._at = at
        return at
