"""One operator process: every part made once, wired, run side by side, and taken down in order."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType

import aiohttp

from moorage_operator import metrics
from moorage_operator.cluster.lease import LeaseStore
from moorage_operator.cluster.pods import Direct, ThroughApiServer
from moorage_operator.cluster.server import ApiServer, connect
from moorage_operator.cluster.write import Writer
from moorage_operator.election import Alone, Election
from moorage_operator.endpoints import Endpoints
from moorage_operator.handlers.watch import Watch
from moorage_operator.health import MAX_LAG, MAX_LOOK, Health, Heartbeat
from moorage_operator.opinions.panel import Panel
from moorage_operator.opinions.prometheus import PrometheusServer
from moorage_operator.reconcile import Reconciler
from moorage_operator.registry.resolve import Registries
from moorage_operator.registry.server import RegistrySource
from moorage_operator.resync import Resync
from moorage_operator.settings import Settings, own_identity, own_namespace
from moorage_operator.survey import Surveyor
from moorage_operator.workers import Workers
from moorage_operator.workqueue import WorkQueue

log = logging.getLogger(__name__)


class Process:
    """Enter to connect and listen, `run` to work.

    Raises on entry ApiError when there are no credentials at all, and OSError when the port is taken.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Process:
        async with AsyncExitStack() as stack:
            await self._build(stack)
            self._stack = stack.pop_all()
        return self

    async def _build(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        agent = f"moorage-operator/{_release()}"
        self._api = await connect(agent=agent, patience=settings.call_timeout, observe=metrics.count_call)
        stack.push_async_callback(self._api.close)
        session = await stack.enter_async_context(aiohttp.ClientSession(trust_env=False))
        self._queue = WorkQueue()
        self._election = _election(settings, self._api, lambda: self._resync.now())
        self._registries = Registries(
            _sources(settings), session, self._queue.add, stores=settings.stores, interval=settings.poll_interval
        )
        self._reconciler = Reconciler(
            api=self._api,
            writer=Writer(self._api, self._election.gate),
            registries=self._registries,
            endpoints=Endpoints.of_settings(settings),
            defaults=settings.defaults(),
            retire_seconds=settings.retire_after,
            surveyor=surveyor(settings, self._api, session),
        )
        self._resync = self._make_resync()
        self._workers = Workers(self._queue, self._reconciler.look, self._election.leading, count=settings.workers)
        self._watch = self._make_watch()
        self._heartbeat = Heartbeat()
        runner = await self._health().serve(settings.port)
        stack.push_async_callback(runner.cleanup)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.stop()
        await self._stack.__aexit__(kind, error, trace)

    async def run(self) -> None:
        """Work until cancelled; then hand the lease over, last of all, when nothing writes any more."""
        metrics.BUILD.labels(_release()).set(1)
        self._watch.start()
        try:
            async with asyncio.TaskGroup() as group:
                for part in (self._election, self._resync, self._workers, self._registries.followed, self._heartbeat):
                    group.create_task(part.run())
        finally:
            await self._election.release()

    def _make_resync(self) -> Resync:
        settings = self._settings
        return Resync(
            self._api,
            self._queue,
            namespaces=settings.watch_namespaces,
            interval=settings.resync_interval,
            gone=self._reconciler.forget,
        )

    def _make_watch(self) -> Watch:
        loop = asyncio.get_running_loop()
        return Watch(loop, self._queue.add, self._resync.fresh, self._settings.watch_namespaces)

    def _health(self) -> Health:
        alive = {
            "event loop late by": (self._heartbeat.lag, MAX_LAG),
            "a look takes": (self._workers.slowest, MAX_LOOK),
        }
        return Health(alive, lambda: self._resync.age() != float("inf"), self._refresh)

    def _refresh(self) -> None:
        metrics.QUEUE_DEPTH.set(self._queue.depth())
        metrics.QUEUE_OLDEST.set(self._queue.oldest())
        metrics.RESYNC_AGE.set(self._resync.age())
        metrics.LEADER.set(self._election.leading.is_set())
        metrics.LOOP_LAG.set(self._heartbeat.lag())


def _election(settings: Settings, api: ApiServer, on_won: Callable[[], None]) -> Election | Alone:
    if not settings.election.enabled:
        return Alone()
    store = LeaseStore(api, own_namespace(), settings.election.lease, duration=15.0)
    return Election(store, own_identity(secrets.token_hex(4)), on_won=on_won, on_lost=_end_at_once)


def _end_at_once() -> None:
    # Another process writes now: no clean-up of this one is worth a write of its own.
    log.error("another operator holds the lease; ending")
    sys.stderr.flush()
    os._exit(1)


def _sources(settings: Settings) -> dict[str, RegistrySource]:
    return {
        name: RegistrySource(
            name=name,
            tracking_uri=registry.tracking_uri,
            credentials=settings.registry_credentials / name,
            timeout=registry.timeout,
            ca_file=registry.ca_file,
        )
        for name, registry in settings.registries.items()
    }


def surveyor(settings: Settings, api: ApiServer, session: aiohttp.ClientSession) -> Surveyor:
    """Whoever asks pods and other judges, as the settings let it."""
    servers = {
        name: PrometheusServer(
            name=name,
            url=server.url,
            credentials=settings.prometheus_credentials / name,
            timeout=server.timeout,
            ca_file=server.ca_file,
        )
        for name, server in settings.prometheus.items()
    }
    return Surveyor(
        ThroughApiServer(api) if settings.network.pod_access == "ApiServer" else Direct(session),
        Panel(session, servers, settings.webhooks.allowed_hosts),
    )


def _release() -> str:
    try:
        return version("moorage")
    except PackageNotFoundError:
        return "source"
