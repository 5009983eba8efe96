"""When two requests are the same."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np

from moorage_runtime.tensors import Array, datatype_of

_HASH_BYTES = 24
# Larger arrays are hashed where they lie; for smaller ones that costs more than a copy.
_SMALL = 4096
_length = struct.Struct("<Q").pack


def key(digest: str, inputs: Mapping[str, Array], outputs: tuple[str, ...] | None) -> str:
    """The start of the model's digest, a colon, and a hash: equal exactly for equal requests to equal models.

    Every byte that a model can see counts: names, datatypes, shapes and elements (-0.0 is not 0.0), and the wanted
    outputs in their order; not the order of the inputs, nor whether text came as `str` or as UTF-8. Every part has its
    length before it, so that no two requests give the same bytes.
    """
    start, head = _head(digest, outputs)
    hashed = blake2b(head, digest_size=_HASH_BYTES)
    for name, array in sorted(inputs.items()) if len(inputs) > 1 else inputs.items():
        datatype = datatype_of(array)
        hashed.update(_counted((name.encode(errors="surrogatepass"), f"{datatype}{array.shape}".encode())))
        if datatype == "BYTES":
            hashed.update(_counted([_raw(element) for element in array.ravel().tolist()]))
        elif array.nbytes <= _SMALL:
            hashed.update(array.tobytes())
        else:
            hashed.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return start + hashed.hexdigest()


@lru_cache(256)
def _head(digest: str, outputs: tuple[str, ...] | None) -> tuple[str, bytes]:
    wanted = b"all" if outputs is None else _counted([name.encode(errors="surrogatepass") for name in outputs])
    return f"{digest.rpartition(':')[2][:16]}:", _counted((digest.encode(), wanted))


def _counted(parts: Sequence[bytes]) -> bytes:
    pieces = [_length(len(parts))]
    for part in parts:
        pieces += (_length(len(part)), part)
    return b"".join(pieces)


def _raw(element: object) -> bytes:
    if isinstance(element, bytes):
        return element
    return str(element).encode(errors="surrogatepass")
