"""One listening port: uvicorn on uvloop and httptools, quiet, with its signals and its end in our hands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn

from moorage_runtime.servers.asgi import App
from moorage_runtime.servers.protocol import BoundedProtocol

# Longer than the idle time of any usual load balancer: who closes an idle connection last loses no request.
KEEP_ALIVE_SECONDS = 620
LAST_ANSWERS_SECONDS = 5


class Listener(uvicorn.Server):
    """A server that leaves the process's signals alone and ends when it is told to."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to `serve`, which drains first."""
        yield


def listen(app: App, host: str, port: int, headers: Sequence[tuple[str, str]] = ()) -> Listener:
    """A listener for `app`, whose every answer carries `headers`; nothing is bound before it is started."""
    return Listener(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=BoundedProtocol,
            headers=list(headers),
            ws="none",
            lifespan="off",
            interface="asgi3",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=LAST_ANSWERS_SECONDS,
        )
    )


async def started(server: Listener, task: asyncio.Task[None]) -> None:
    """Wait until the port is bound. Raises what the server raised if it could not be."""
    while not server.started:
        if task.done():
            task.result()
            raise OSError("the server ended before it listened")
        await asyncio.sleep(0.002)


async def stop(server: Listener, task: asyncio.Task[None]) -> None:
    """Close the port and the idle connections, let answers under way end, then return."""
    server.should_exit = True
    await task
