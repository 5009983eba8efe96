"""Everything that one serving process is made of: the catalogue, the data plane, the doors and their ports."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence

from moorage_runtime.config import RuntimeConfig
from moorage_runtime.dataplane.aside import Aside
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.places import Places
from moorage_runtime.repository.catalogue import Catalogue
from moorage_runtime.routing import Routes
from moorage_runtime.servers import heap
from moorage_runtime.servers.admin import PATHS as ADMIN_PATHS
from moorage_runtime.servers.admin import AdminDoor
from moorage_runtime.servers.grpc import port as grpc
from moorage_runtime.servers.http.listener import Listener
from moorage_runtime.servers.rest import identity
from moorage_runtime.servers.rest.auth import Keys
from moorage_runtime.servers.rest.connect import ConnectDoor
from moorage_runtime.servers.rest.docs import DocsDoor
from moorage_runtime.servers.rest.door import Door
from moorage_runtime.servers.rest.features import FeaturesDoor
from moorage_runtime.servers.rest.interpreters import Interpreters
from moorage_runtime.servers.rest.observer import Observer
from moorage_runtime.servers.rest.openapi import OpenApiDoor
from moorage_runtime.servers.rest.refusals import Refusals
from moorage_runtime.servers.rest.router import Router
from moorage_runtime.servers.rest.turns import Turns
from moorage_runtime.servers.rest.v1 import V1Door
from moorage_runtime.servers.rest.v2 import V2Door
from moorage_runtime.servers.split.behind import Behind
from moorage_runtime.servers.split.desk import Desk
from moorage_runtime.servers.split.messages import Carrier
from moorage_runtime.servers.split.solo import Solo
from moorage_runtime.servers.split.watching import watch
from moorage_runtime.servers.traffic import Traffic

log = logging.getLogger(__name__)
LAST_ANSWERS_SECONDS = 5


class Station:
    """Ports are bound by `start`; the public one answers 503 until the catalogue is open.

    `names`: the models that are known from the start.
    """

    def __init__(self, config: RuntimeConfig, places: Places, names: Sequence[str]) -> None:
        self.config = config
        self.catalogue = Catalogue(names, lambda served: self.plane.retire(served))
        self.plane = DataPlane(config, self.catalogue, Routes(places.routes_file, config.revision))
        self._keys = Keys(places.api_keys_dir) if config.api_keys else None
        if self._keys is not None:
            self.plane.obstacle = self._keys.obstacle
        self._traffic = Traffic()
        self._watching: list[asyncio.Task[None]] = []
        self.router = self._router(self.plane, one=len(names) == 1, keys=self._keys)
        self.desk = self._desk() if len(names) == 1 else None
        self._comparing = watch(self.plane, self.desk) if self.desk is not None else None
        self.router.splitter = self.desk or Solo()
        self._public = Listener(
            self.router,
            places.host,
            places.http_port,
            identity=identity.headers(config.version, config.revision) if len(names) == 1 else (),
            traffic=self._traffic,
            leaving=lambda: self.plane.leaving,
            observer=Observer(self.plane.access_log) if self.plane.access_log is not None else None,
            refused=Refusals(self.plane.metrics, self.plane.tracer),
        )
        self._grpc = grpc.listener(
            self.plane,
            self._traffic,
            places.host,
            places.grpc_port,
            self._keys,
            carrier=Carrier(self.desk, self.router) if self.desk is not None else None,
        )
        self._admin_doors: list[Door] = [AdminDoor(self.plane)]
        self._admin_router = Router(self._admin_doors, paths=ADMIN_PATHS)
        self._admin = Listener(self._admin_router, places.host, places.admin_port)

    def add_admin_door(self, door: Door, path: str) -> None:
        """Give the admin port a further door, to what lies at and below `path`, before `start`."""
        self._admin_doors.append(door)
        self._admin_router.paths += f", {path}"

    async def start(self) -> None:
        """Bind the ports. Raises `OSError`."""
        await self._admin.start()
        await self._public.start()
        await self._grpc.start()
        self._watch(heap.watch())
        if self._keys is not None:
            self._watch(self._keys.watch())

    async def open(self) -> None:
        """What the catalogue holds is warm: become ready, and follow the route table from here on."""
        self.plane.routes.poll()
        for served in self.catalogue.served:
            self.plane.open(served)
        self.catalogue.open()
        self._watch(self.plane.routes.watch())
        log.info("ready" if self.plane.ready else "loaded", extra=self.plane.state())

    async def drain(self) -> None:
        """Be no longer ready, and answer until clients have gone, at most for the configured time."""
        self.catalogue.drain()
        log.info("draining")
        seconds = self.config.drain_seconds
        gone = await self._traffic.drained(seconds)
        log.info("drained", extra={"everyClientGone": gone})

    async def stop(self) -> None:
        """Close the ports, let the last answers out, end."""
        for task in self._watching:
            task.cancel()
        await self._grpc.stop(LAST_ANSWERS_SECONDS)
        for listener in (self._public, self._admin):
            await listener.stop(LAST_ANSWERS_SECONDS)
        if self._comparing is not None:
            self._comparing.close()
        if self.desk is not None:
            self.desk.close()
        self.plane.close()

    def _watch(self, work: Coroutine[None, None, None]) -> None:
        self._watching.append(asyncio.get_running_loop().create_task(work))

    def _desk(self) -> Desk:
        instead, again = Aside(self.plane, again=False), Aside(self.plane, again=True)
        own, echo = (Behind(self._router(aside, one=True)) for aside in (instead, again))
        return Desk(self.plane, own, echo)

    def _router(self, plane: DataPlane, *, one: bool, keys: Keys | None = None) -> Router:
        router = Router(_doors(plane, one=one), keys)
        for source in (self.catalogue, plane.routes):
            source.follow(router.renew)
        return router


def _doors(plane: DataPlane, *, one: bool) -> list[Door]:
    interpreters, turns = Interpreters(plane), Turns()
    doors: list[Door] = [
        V2Door(plane, turns),
        FeaturesDoor(plane, interpreters, turns),
        V1Door(plane, interpreters, turns),
        ConnectDoor(plane),
        OpenApiDoor(plane, interpreters),
        DocsDoor(),
    ]
    return doors if one else [identity.Signing(door) for door in doors]
