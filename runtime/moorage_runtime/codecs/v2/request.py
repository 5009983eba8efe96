"""One inference request, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array

INVALID = "InvalidRequest"
NOTHING: Mapping[str, Any] = {}
_INDEX = re.compile(r"^\[(\d+)")


class InferRequest(msgspec.Struct, frozen=True):
    """Tensors by input name, and what the answer should hold.

    `outputs`: the wanted ones (None: all). `binary`: names of the outputs that are answered as binary tensors.
    `parameters`: the request's own, those this server knows checked, the others as they came.
    """

    inputs: Mapping[str, Array]
    outputs: tuple[str, ...] | None = None
    id: str | None = None
    parameters: Mapping[str, Any] = NOTHING
    binary: tuple[str, ...] = ()


def invalid(message: str) -> RequestFault:
    """The refusal of a request that says something wrong; `message` starts with the path of it."""
    return RequestFault(400, INVALID, message)


def malformed(error: Exception, prefix: str = "", first: int = 0) -> RequestFault:
    """The refusal of what msgspec could not read: its path first, and in the request's own words.

    `first`: how many elements of the list came before those that it was given.
    """
    if isinstance(error, RecursionError):
        return invalid(f"{prefix}: nests too deeply" if prefix else "the body nests too deeply")
    text, _, path = str(error).partition(" - at `$")
    if first:
        path = _INDEX.sub(lambda found: f"[{int(found[1]) + first}", path, count=1)
    where = prefix + path.rstrip("`")
    return invalid(f"{where.lstrip('.')}: {text}" if where else text)
