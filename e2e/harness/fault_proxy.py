"""A reverse proxy between an operator and the API server: counts every call, and breaks the one it is told to."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

import aiohttp
from aiohttp import web
from e2e.harness.api import Access

HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"}
JSON = "application/json"
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


class When(StrEnum):
    """On which side of the API server's work; or once its answer has arrived, when the caller calls again."""

    BEFORE = "before"
    AFTER = "after"
    NEXT = "in what follows"


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `path` without namespace, query and what is random in a pod's name: equal work has equal paths."""

    number: int
    at: float
    method: str
    path: str
    namespace: str
    watch: bool
    lease: bool

    @property
    def write(self) -> bool:
        """Whether it changes something about a model (keeping a lease does not)."""
        return self.method in WRITES and not self.lease

    @property
    def key(self) -> str:
        """What it does, in a word that is equal from run to run."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a call: `act` runs (as a kill), then the caller gets `code`, or silence, or a cut connection."""

    when: When = When.BEFORE
    act: Callable[[], None] | None = None
    code: int | None = None
    hang_seconds: float = 0.0


Rule = Callable[[Call], Fault | None]
Answer = Callable[[str], bytes | None]
"""The JSON for a path; None where the API server is asked."""


@dataclass
class FaultProxy:
    """Listens on 127.0.0.1 in a thread of its own. `rule` decides about each call; None lets it pass.

    `user`: every call is made as this user, so that the operator has its own rights and not the administrator's.
    `answer`: what is answered in the API server's place, such as what it would bring from pods that nobody runs.
    """

    access: Access
    user: str | None = None
    rule: Rule | None = None
    answer: Answer | None = None
    calls: list[Call] = field(default_factory=list)
    url: str = ""
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _streams: set[asyncio.Task[object]] = field(default_factory=set)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10), "the proxy did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def go_away(self) -> None:
        """From now on nobody answers: open streams are cut, new calls are reset."""
        self.rule = lambda call: Fault()
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._streams])

    def come_back(self) -> None:
        """Answer again."""
        self.rule = None

    def writes_since(self, at: float) -> list[Call]:
        """Every write to anything but a lease since a moment (seconds since 1970)."""
        return [call for call in self.calls if call.write and call.at >= at]

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._open())
        ready.set()
        self._loop.run_forever()
        for task in self._streams:
            task.cancel()
        self._loop.run_until_complete(asyncio.wait_for(self._close(runner), 5))

    async def _open(self) -> web.AppRunner:
        limits = aiohttp.ClientTimeout(total=None, sock_connect=5)
        connector = aiohttp.TCPConnector(ssl=self.access.tls, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, timeout=limits, auto_decompress=False)
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _close(self, runner: web.AppRunner) -> None:
        await runner.cleanup()
        await self._session.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            return await self._treat(request)
        except ConnectionResetError:
            return web.Response(status=499, reason="The caller has gone")
        finally:
            self._streams.discard(task)

    async def _treat(self, request: web.Request) -> web.StreamResponse:
        call = self._note(request)
        fault = self.rule(call) if self.rule else None
        if fault and fault.when is When.BEFORE:
            return await self._break(request, fault)
        own = await asyncio.to_thread(self.answer, request.path) if self.answer else None
        if own is not None:
            return await self._break(request, fault) if fault else web.Response(body=own, content_type=JSON)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_HEADERS}
        if self.user:
            headers["Impersonate-User"] = self.user
        url = f"https://{self.access.host}:{self.access.port}{request.raw_path}"
        body = await request.read()
        async with self._session.request(request.method, url, headers=headers, data=body or None) as upstream:
            if fault:
                await upstream.read()
                return await self._break(request, fault)
            return await self._pass_on(request, upstream)

    async def _pass_on(self, request: web.Request, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
        kept = {name: value for name, value in upstream.headers.items() if name.lower() not in HOP_HEADERS}
        if "Content-Encoding" in upstream.headers:
            kept["Content-Encoding"] = upstream.headers["Content-Encoding"]
        response = web.StreamResponse(status=upstream.status, headers=kept)
        await response.prepare(request)
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response

    async def _break(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.act:
            fault.act()
        if fault.hang_seconds:
            await asyncio.sleep(fault.hang_seconds)
        if fault.code:
            status = {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "code": fault.code,
                "message": "injected",
            }
            return web.json_response(status, status=fault.code)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    def _note(self, request: web.Request) -> Call:
        found = re.search(r"/namespaces/([^/]+)/", request.path)
        path = re.sub(r"/namespaces/[^/]+/", "/", request.path).split("/", 2)[-1]
        path = re.sub(r"^(v1/pods/[^/:]*:?[^/:]+)-[^-/:]+-[^-/:]+", r"\1", path)
        watch = request.query.get("watch", "") in ("1", "true")
        namespace = found.group(1) if found else ""
        number, lease = len(self.calls), "/leases" in request.path
        call = Call(number, time.time(), request.method, path, namespace, watch, lease)
        self.calls.append(call)
        return call
