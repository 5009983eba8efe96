"""Refusals of V1, each with the path of what is wrong."""

from __future__ import annotations

from moorage_runtime.errors import RequestFault

INVALID = "InvalidRequest"


def invalid(message: str) -> RequestFault:
    """What is said wrong; `message` starts with the path of it."""
    return RequestFault(400, INVALID, message)


def malformed(error: Exception, path: str, below: str = "", first: int = 0) -> RequestFault:
    """What msgspec could not read. `below`: stands behind the first index of the path, which counts from `first`.

    msgspec puts the path last, as `$[0].name`; a reader wants it first and in the request's own words.
    """
    if isinstance(error, RecursionError):
        return invalid(f"{path or 'the body'}: nests too deeply")
    text, _, place = str(error).partition(" - at `$")
    index, bracket, rest = place.rstrip("`").partition("]")
    if first:
        index = f"[{int(index[1:]) + first}"
    where = f"{path}{index}{bracket}{below}{rest}".lstrip(".")
    return invalid(f"{where}: {text}" if where else text)
