"""When two requests are the same."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np

from moorage_runtime.tensors import Array, datatype_of

_HASH_BYTES = 24
# What is hashed at most: 1.5 ms, in which nobody else is answered.
_MOST = 1 << 20
# What a text costs to hash, in bytes of numbers.
_TEXT = 200
# Larger arrays are hashed where they lie; for smaller ones that costs more than a copy.
_SMALL = 4096


def key(digest: str, inputs: Mapping[str, Array], outputs: tuple[str, ...] | None) -> str:
    """The start of the model's digest, a colon, and a hash: equal exactly for equal requests to equal models.

    Every byte that a model can see counts: names, datatypes, shapes and elements (-0.0 is not 0.0), and the wanted
    outputs in their order; not the order of the inputs, nor whether text came as `str` or as UTF-8. Every part has its
    length before it or told in it, so that no two requests give the same bytes.
    """
    start, head = _head(digest, outputs)
    parts: list[Any] = [head]
    small = True
    for name, array in sorted(inputs.items()) if len(inputs) > 1 else inputs.items():
        parts.append(_name(name, array.dtype, array.shape))
        if array.dtype.kind in "OSU":
            parts.append(_counted([_raw(element) for element in array.ravel().tolist()]))
        elif array.nbytes <= _SMALL:
            parts.append(array.tobytes())
        else:
            parts.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
            small = False
    if small:
        return start + blake2b(b"".join(parts), digest_size=_HASH_BYTES).hexdigest()
    hashed = blake2b(digest_size=_HASH_BYTES)
    for part in parts:
        hashed.update(part)
    return start + hashed.hexdigest()


def hashable(inputs: Mapping[str, Array]) -> bool:
    """Whether a key is quickly made."""
    size = 0
    for array in inputs.values():
        if array.dtype.kind != "O":
            size += array.nbytes
        elif (size := size + array.size * _TEXT) <= _MOST:
            size += sum(map(len, array.ravel().tolist()))
    return size <= _MOST


@lru_cache(256)
def _head(digest: str, outputs: tuple[str, ...] | None) -> tuple[str, bytes]:
    wanted = b"all" if outputs is None else _counted([name.encode(errors="surrogatepass") for name in outputs])
    return f"{digest.rpartition(':')[2][:16]}:", _counted((digest.encode(), wanted))


@lru_cache(1024)
def _name(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    told = f"{datatype_of(np.empty(0, dtype))}{shape}"
    return _counted((name.encode(errors="surrogatepass"), told.encode()))


def _counted(parts: Sequence[bytes]) -> bytes:
    return struct.pack(f"<{len(parts) + 1}Q", len(parts), *map(len, parts)) + b"".join(parts)


def _raw(element: object) -> bytes:
    return element if isinstance(element, bytes) else str(element).encode("utf-8", "surrogatepass")
