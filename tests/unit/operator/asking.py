"""Real HTTP servers on loopback that answer as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Listening:
    """A server: where it is, and what it was asked."""

    port: int = 0
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def listening(answer: Answering) -> AsyncIterator[Listening]:
    """A server for as long as the context."""
    told = Listening()

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.post() if request.content_type.endswith("urlencoded") else await request.text()
        told.asked.append((request.method, request.path, dict(request.headers), body))
        return await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    told.port = runner.addresses[0][1]
    try:
        yield told
    finally:
        await runner.cleanup()


def saying(text: str, code: int = 200, **headers: str) -> Answering:
    """Answers that, always."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=code, headers=headers, content_type="application/json")

    return answer


async def never(_: web.Request) -> web.StreamResponse:
    """Answers nothing for a minute."""
    await asyncio.sleep(60)
    return web.Response()
