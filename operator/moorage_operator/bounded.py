"""Reading an answer whole, and no more of it than anybody should send."""

from __future__ import annotations

import aiohttp


async def read_whole(answer: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The body; None when it is longer than `limit` bytes. Raises what aiohttp raises."""
    text = bytearray()
    async for piece in answer.content.iter_any():
        text += piece
        if len(text) > limit:
            return None
    return bytes(text)
