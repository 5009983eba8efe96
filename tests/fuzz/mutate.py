"""Inputs for a fuzz target without a fuzzer: seeds, and seeds that were changed, the same ones every time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

_ODD = (b"\0", b"\xff", b'"', b"\\", b"[", b"]", b"{", b"}", b",", b"-", b"1e999", b"null", b"\r\n", b"\n", b":", b" ")


def inputs(seeds: Sequence[bytes], count: int, seed: int = 0) -> Iterator[bytes]:
    """Every seed, then `count` changed ones."""
    yield from seeds
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    for _ in range(count):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            _change(data, rng, seeds)
        yield bytes(data)


def _change(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    start = rng.randint(0, len(data))
    stop = min(len(data), start + rng.choice((0, 1, 1, 2, 8, 64)))
    other = rng.choice(seeds)
    cut = rng.randint(0, len(other))
    new: bytes | bytearray = rng.choice(
        (rng.randbytes(rng.randint(0, 4)), rng.choice(_ODD), b"", other[cut : cut + 32], data[start:stop] * 2)
    )
    data[start:stop] = new
