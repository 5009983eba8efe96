"""Reading a request's body within bounds of size and time.

A refused body needs no emptying: the server underneath goes on reading and drops what is left of it, so the client can
finish sending, read its answer, and keep the connection.
"""

from __future__ import annotations

import asyncio

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.asgi import Receive

READ_SECONDS = 60.0


class ClientGone(Exception):
    """The client went away before its request was whole; there is nobody to answer."""


async def read(receive: Receive, declared: bytes | None, limit: int, seconds: float = READ_SECONDS) -> bytes:
    """The whole body: at most `limit` bytes, within `seconds`.

    `declared`: the value of Content-Length, if any. Raises `RequestFault` 400, 408 or 413, and `ClientGone`.
    """
    if declared is not None and _length(declared) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(seconds):
            return await _read(receive, limit)
    except TimeoutError as error:
        raise RequestFault(408, "BodyTimeout", f"the body did not arrive within {seconds:g} s") from error


async def _read(receive: Receive, limit: int) -> bytes:
    whole = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        if len(whole) + len(chunk) > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return bytes(whole + chunk) if whole else chunk
        whole += chunk


def _length(declared: bytes) -> int:
    if not declared.isdigit():
        raise RequestFault(400, "InvalidRequest", "Content-Length is no number")
    return int(declared)


def _too_large(limit: int) -> RequestFault:
    return RequestFault(413, "BodyTooLarge", f"the body is larger than {limit} bytes")
