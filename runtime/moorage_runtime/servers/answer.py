"""One answer on its way to the client."""

from __future__ import annotations

import msgspec

from moorage_runtime.servers.listener import Send

Headers = list[tuple[bytes, bytes]]
JSON = b"application/json"


async def send(send_message: Send, status: int, body: bytes, headers: Headers, content_type: bytes = JSON) -> None:
    """Send one whole answer. `headers` are added to, not copied: give each answer its own list."""
    headers.append((b"content-type", content_type))
    headers.append((b"content-length", b"%d" % len(body)))
    await send_message({"type": "http.response.start", "status": status, "headers": headers})
    await send_message({"type": "http.response.body", "body": body})


def error(message: str) -> bytes:
    """A V2 error document."""
    return msgspec.json.encode({"error": message})
