"""The serving process: open the ports, let somebody fill the catalogue, answer, drain on SIGTERM, end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from moorage_runtime import termination
from moorage_runtime.config import RuntimeConfig, ServeReport
from moorage_runtime.errors import LoadFault, RuntimeFault
from moorage_runtime.places import Places
from moorage_runtime.repository.load import load
from moorage_runtime.repository.served import Served
from moorage_runtime.servers import heap
from moorage_runtime.servers.station import Station

log = logging.getLogger(__name__)
T = TypeVar("T")
BAD_CONFIG = 2
NOT_LOADED = 4

Fill = Callable[[Station, asyncio.Event], Awaitable[int]]
"""Puts models into the station's catalogue and opens it; gives 0, or the code to exit with. The event: told to stop."""


def run(
    config: RuntimeConfig,
    places: Places,
    ready: Callable[[Served], None] = lambda _: None,
    last: Callable[[], None] = lambda: None,
) -> int:
    """Serve the one model that the download left, until SIGTERM, and end the process: 0, 4 when the model cannot be
    served. Gives 2 when the configuration cannot be followed. `ready` is called once, when it answers; `last`: see
    `serve`."""

    async def fill(station: Station, stopping: asyncio.Event) -> int:
        return await _one_model(config, places, station, stopping, ready)

    try:
        station = Station(config, places, [config.model])
    except RuntimeFault as fault:
        return _refused(places, fault, BAD_CONFIG)
    return serve(station, fill, last)


def serve(station: Station, fill: Fill, last: Callable[[], None] = lambda: None) -> int:
    """Run a station until SIGTERM or SIGINT, and end the process; `last` is what is done before."""
    import uvloop

    heap.bound()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_live(station, fill))
        last()
        sys.stdout.flush()
        # A run of the model that never ends would keep an orderly exit waiting for its thread until the kubelet kills.
        os._exit(code)


async def _live(station: Station, fill: Fill) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await station.start()
    code = await fill(station, stopping)
    if code == 0 and station.catalogue.ready:
        await stopping.wait()
        await station.drain()
    await station.stop()
    log.info("stopped", extra={"code": code})
    return code


async def _one_model(
    config: RuntimeConfig,
    places: Places,
    station: Station,
    stopping: asyncio.Event,
    ready: Callable[[Served], None],
) -> int:
    try:
        served = await _unless(stopping, lambda: load(config, places.model_dir))
    except LoadFault as fault:
        return _refused(places, fault, NOT_LOADED)
    if served is not None:
        station.catalogue.install(served)
        await station.open()
        ready(served)
    return 0


def _refused(places: Places, fault: RuntimeFault, code: int) -> int:
    log.critical("model not served", extra={"reason": fault.reason, "detail": fault.message})
    termination.write(places.termination_file, ServeReport(reason=fault.reason, message=fault.message))
    return code


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
