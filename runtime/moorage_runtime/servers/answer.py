"""One answer on its way to the client."""

from __future__ import annotations

import os

import msgspec

from moorage_runtime.servers.asgi import Send

Headers = list[tuple[bytes, bytes]]
JSON = b"application/json"


async def send(send_message: Send, status: int, body: bytes, headers: Headers, content_type: bytes = JSON) -> None:
    """Send one whole answer. `headers` are added to, not copied: give each answer its own list."""
    complete(headers, body, content_type)
    await send_message({"type": "http.response.start", "status": status, "headers": headers})
    await send_message({"type": "http.response.body", "body": body})


def complete(headers: Headers, body: bytes, content_type: bytes = JSON) -> None:
    """Add what describes the body."""
    headers.append((b"content-type", content_type))
    headers.append((b"content-length", b"%d" % len(body)))


def error(message: str) -> bytes:
    """A V2 error document."""
    return msgspec.json.encode({"error": message})


def new_id() -> bytes:
    """A request id for a client that sent none: 16 hex digits."""
    return os.urandom(8).hex().encode()
