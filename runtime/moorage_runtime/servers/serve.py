"""`python -m moorage_runtime serve`: open both ports, load, answer, drain on SIGTERM, end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from moorage_runtime import termination
from moorage_runtime.config import RuntimeConfig, ServeReport
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import LoadFault
from moorage_runtime.places import Places
from moorage_runtime.repository.catalogue import Catalogue
from moorage_runtime.repository.load import load
from moorage_runtime.repository.served import Served
from moorage_runtime.routing import Routes
from moorage_runtime.servers.admin import AdminDoor
from moorage_runtime.servers.http.listener import Listener
from moorage_runtime.servers.rest import identity
from moorage_runtime.servers.rest.router import Router
from moorage_runtime.servers.rest.v2 import V2Door
from moorage_runtime.servers.traffic import Traffic

log = logging.getLogger(__name__)
T = TypeVar("T")
NOT_LOADED = 4
LAST_ANSWERS_SECONDS = 5


def run(config: RuntimeConfig, places: Places) -> int:
    """Serve until SIGTERM; gives the exit code: 0, or 4 when the model cannot be served."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_serve(config, places))
        sys.stdout.flush()
        # A run of the model that never ends would keep an orderly exit waiting for its thread until the kubelet kills.
        os._exit(code)


async def _serve(config: RuntimeConfig, places: Places) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    catalogue, traffic = Catalogue([config.model]), Traffic()
    plane = DataPlane(config, catalogue, Routes(places.routes_file, config.revision))
    public = Listener(
        Router([V2Door(plane)], lambda: plane.epoch),
        places.host,
        places.http_port,
        identity=identity.headers(config),
        traffic=traffic,
        leaving=lambda: plane.leaving,
    )
    admin = Listener(Router([AdminDoor(plane)], lambda: 0), places.host, places.admin_port)
    for listener in (admin, public):
        await listener.start()
    code = await _live(config, places, plane, traffic, stopping)
    for listener in (public, admin):
        await listener.stop(LAST_ANSWERS_SECONDS)
    plane.close()
    log.info("stopped", extra={"code": code})
    return code


async def _live(
    config: RuntimeConfig, places: Places, plane: DataPlane, traffic: Traffic, stopping: asyncio.Event
) -> int:
    try:
        served = await _unless(stopping, lambda: load(config, places.model_dir))
    except LoadFault as fault:
        log.critical("model not served", extra={"reason": fault.reason, "detail": fault.message})
        termination.write(places.termination_file, ServeReport(reason=fault.reason, message=fault.message))
        return NOT_LOADED
    if served is None:
        return 0
    _install(plane, served)
    watching = asyncio.create_task(plane.routes.watch())
    await stopping.wait()
    plane.catalogue.drain()
    log.info("draining")
    gone = await traffic.drained(config.drain_seconds)
    log.info("drained", extra={"everyClientGone": gone})
    watching.cancel()
    return 0


def _install(plane: DataPlane, served: Served) -> None:
    plane.routes.poll()
    plane.metrics.load_seconds.set(served.load_seconds)
    plane.catalogue.install(served)
    plane.catalogue.open()
    log.info("ready", extra=plane.state())


async def _unless(stopping: asyncio.Event, work: Callable[[], T]) -> T | None:
    """`work` in a thread of its own; None when told to stop first, with the thread left behind."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    threading.Thread(target=_deliver, args=(loop, done, work), daemon=True).start()
    told = asyncio.create_task(stopping.wait())
    waiting: set[asyncio.Future[Any]] = {done, told}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    return done.result() if done.done() else None


def _deliver(loop: asyncio.AbstractEventLoop, done: asyncio.Future[T], work: Callable[[], T]) -> None:
    try:
        result = work()
    except Exception as error:
        loop.call_soon_threadsafe(done.set_exception, error)
    else:
        loop.call_soon_threadsafe(done.set_result, result)
