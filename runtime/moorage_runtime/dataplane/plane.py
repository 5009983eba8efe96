"""The data plane: live, ready, metadata, infer, and the state of it all. Knows models and requests, no transport."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from moorage_runtime import tracing
from moorage_runtime.accesslog import AccessLog
from moorage_runtime.caching.store import Store
from moorage_runtime.config import Cache, PodReport, RuntimeConfig
from moorage_runtime.dataplane import lane as hot
from moorage_runtime.dataplane.call import Call
from moorage_runtime.dataplane.lane import CONCURRENCY, Lane
from moorage_runtime.dataplane.streaming import Flow, Streamed
from moorage_runtime.engines.engine import Streaming
from moorage_runtime.errors import RequestFault
from moorage_runtime.expiry import client_gone
from moorage_runtime.metrics.meters import ModelMeter, outcome
from moorage_runtime.metrics.metrics import Metrics
from moorage_runtime.metrics.summary import answered, quantile, seconds
from moorage_runtime.repository.catalogue import Catalogue
from moorage_runtime.repository.life import Phase
from moorage_runtime.repository.served import Served
from moorage_runtime.routing import Routes
from moorage_runtime.routing.exposition import describe
from moorage_runtime.routing.tally import Tallies
from moorage_runtime.tensors import Array

# Whether the hot path runs as compiled code, as it does in the image.
COMPILED = not str(hot.__file__).endswith(".py")
# Threads of the whole process; each model uses some of them at once.
WORKERS = 4
# Answers in parts at once: each keeps a thread as long as its reader likes.
STREAMS = 32
# A route that was found before its model was replaced may still be reading its request's body.
RETIRE_SECONDS = 60.0
LAST_SPANS_SECONDS = 2.0
# Of the threads that run slow models: where cores are scarce, the loop, with its probes and short answers, goes first.
NICE = 10


class DataPlane:
    """Answers for the models of the catalogue. To be used from the loop's thread only.

    `leaving`: whether clients should look for another pod: this one drains, or its revision serves no more.
    `doubted`: whether its answers are looked at before they leave.
    Raises `RuntimeFault` ConfigInvalid for a cache's address that is none.
    """

    def __init__(
        self, config: RuntimeConfig, catalogue: Catalogue, routes: Routes, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.config = config
        self.catalogue = catalogue
        self.routes = routes
        self.metrics = Metrics(lambda: self.ready, lambda: routes.generation)
        self.access_log = AccessLog(config.access_log_percent) if config.access_log_percent > 0 else None
        self.tracer = tracing.from_environment(os.environ, _resource(config))
        self.obstacle: Callable[[], str | None] = lambda: None
        for source in (catalogue, routes):
            source.follow(self._follow)
        self._follow()
        catalogue.on_installed(self._tell)
        self.tallies = Tallies()
        self.instead: Metrics | None = None
        self.metrics.also.append(lambda page: describe(page, config.model, self.tallies))
        self._started = uuid.uuid4().hex
        self._clock = clock
        self._lanes: dict[int, Lane] = {}
        self._store = _store(config.cache, clock)
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="infer", initializer=_give_way)
        self._streams = ThreadPoolExecutor(STREAMS, thread_name_prefix="stream")

    def _follow(self) -> None:
        self.doubted = self.routes.guest
        self.leaving = self.catalogue.phase is Phase.DRAINING or self.routes.leaving

    @property
    def in_flight(self) -> int:
        """Calls taken and not ended."""
        return sum(lane.in_flight for lane in self._lanes.values())

    @property
    def epoch(self) -> int:
        """Grows whenever other models are served than before: what a door remembers of them is then void."""
        return self.catalogue.changes

    @property
    def ready(self) -> bool:
        """Whether this pod should get traffic; true only after a test inference that really ran.

        `obstacle` names what else may stand in the way, None when nothing does.
        """
        return self.catalogue.ready and self.obstacle() is None

    def find(self, model: str, version: str | None = None) -> Served:
        """The version that answers for a model. Raises `RequestFault` 404 or 503."""
        return self.catalogue.find(model, version)

    def model_ready(self, model: str, version: str | None = None) -> bool:
        """Whether a model answers now; nothing is loaded for it. Raises `RequestFault` 404 for one that is not here."""
        return self.catalogue.look(model, version) is not None and self.ready

    def admit(self, served: Served) -> None:
        """For doors, before they read anything of a request. Raises `RequestFault` 429 when it would be in vain."""
        lane = self._lanes.get(id(served))
        if lane is not None and (fault := lane.crowded()) is not None:
            raise fault

    def submit(self, served: Served, call: Call, door: str) -> None:
        """Run the model for one call; the call hears of its end, now or later. Never raises."""
        lane = self._lanes.get(id(served)) or self.open(served)
        if lane is None:
            fault = _unloaded()
            call.refused(fault)
            self._count(fault, call.began, door, served.name, served.version)
            if call.trace is not None:
                call.trace.end(fault.status, fault.reason, served.name, served.version, call.began, None)
        else:
            if self.doubted:
                call.guard = lane.guard
            lane.submit(call, lane.meter.doors[door])

    async def stream(
        self,
        served: Served,
        inputs: Mapping[str, Array],
        outputs: tuple[str, ...] | None,
        deadline: float,
        door: str,
    ) -> AsyncGenerator[Mapping[str, Array], None]:
        """The parts of an answer, as they are made; `aclosing` it early stops the model. Raises `RequestFault`, 406 for
        a model that answers in one part.
        """
        engine, lane = served.engine, self._lanes.get(id(served)) or self.open(served)
        if not isinstance(engine, Streaming):
            raise RequestFault(406, "StreamUnsupported", "this model answers in one part")
        if lane is None:
            raise _unloaded()
        call = Streamed(inputs, outputs, self._clock(), deadline)
        fault = lane.take(call, lane.meter.doors[door])
        flow = Flow(engine, call, self._clock)
        try:
            if fault is not None:
                raise fault
            self._streams.submit(flow.produce)
            async for part in flow.parts():
                yield part
        except BaseException as error:
            call.fail(error if isinstance(error, RequestFault) else client_gone())
            raise
        finally:
            flow.leave()
        call.finish({})

    def count(
        self,
        fault: RequestFault,
        began: float,
        door: str,
        served: Served | None = None,
        parent: tuple[bytes | None, bytes | None] = (None, None),
        received: int = 0,
    ) -> None:
        """A door refused a request before it became a call. `served`: for which version, where that is known; `parent`:
        the request's `traceparent` and `tracestate`; `received`: bytes of its body."""
        name, version = (served.name, served.version) if served else (self.config.model, self.config.version)
        self._count(fault, began, door, name, version)
        self.metrics.model(name, version).doors[door].received += received
        if self.tracer is not None:
            self.tracer.begin(*parent, door, began).end(fault.status, fault.reason, name, version, began, None)

    def _count(self, fault: RequestFault, began: float, door: str, name: str, version: str) -> None:
        meter = self.metrics.model(name, version).doors[door]
        meter.count(outcome(fault.status), self._clock() - began)
        if fault.status >= 500:
            meter.fault(fault.reason)

    def retire(self, served: Served) -> None:
        """The version is replaced or unloaded: its calls end, then its memory is freed."""
        if id(served) in self._lanes:
            asyncio.get_running_loop().call_later(RETIRE_SECONDS, self._close, served)
        else:
            self._forget(served)

    def _close(self, served: Served) -> None:
        if self._lanes[id(served)].in_flight:
            asyncio.get_running_loop().call_later(1.0, self._close, served)
            return
        del self._lanes[id(served)]
        self._forget(served)

    def _forget(self, served: Served) -> None:
        if all((each.name, each.version) != (served.name, served.version) for each in self.catalogue.served):
            self.metrics.forget(served.name, served.version)
        served.engine.close()

    def state(self) -> dict[str, Any]:
        """What the operator asks every pod: who it is, what it applied, and whether it can answer."""
        served = next(iter(self.catalogue.served), None)
        route, limits = self.routes.route, self.config.limits
        return {
            "model": self.config.model,
            "namespace": self.config.namespace,
            "version": self.config.version,
            "revision": self.config.revision,
            "digest": served.digest if served else None,
            "phase": str(self.catalogue.phase),
            "ready": self.ready,
            "obstacle": self.obstacle(),
            "inFlight": self.in_flight,
            "routes": {"generation": self.routes.generation, "role": route.role if route else None},
            "testInference": _tested(served) if served else None,
            "compiled": COMPILED,
            "kernels": {each.name: msgspec.to_builtins(each.engine.kernel) for each in self.catalogue.served},
            "batching": {each.name: self._lanes[id(each)].facts() for each in self._open_now()},
            "limits": {"concurrency": limits.concurrency or CONCURRENCY, "queue": limits.queue},
            "cache": _remembering(self.config.cache),
        }

    def report(self) -> PodReport:
        """What the operator judges a revision by."""
        routes = self.routes
        return PodReport(
            started=self._started,
            revision=self.config.revision,
            ready=self.ready,
            generation=routes.generation,
            refused=routes.refused,
            in_flight=self.in_flight,
            answered=answered(self.metrics.doors(), self.instead.doors() if self.instead is not None else ()),
            forwarded=self.tallies.report(),
        )

    def usual_seconds(self) -> float:
        """In how many seconds 99 of 100 requests are answered, and the test inference was."""
        tested = max((served.verdict.seconds for served in self.catalogue.served), default=0.0)
        return max(tested, quantile(seconds(self.metrics.doors()), 0.99))

    def _open_now(self) -> list[Served]:
        return [each for each in self.catalogue.served if id(each) in self._lanes]

    def close(self) -> None:
        """Start no further run; those under way are left to end with the process."""
        if self._store is not None:
            self._store.close()
        if self.tracer is not None:
            self.tracer.close(LAST_SPANS_SECONDS)
        for pool in (self._workers, self._streams):
            pool.shutdown(wait=False, cancel_futures=True)

    def open(self, served: Served) -> Lane | None:
        """Make ready for the version's first call; None when it does not answer now."""
        if all(each is not served for each in self.catalogue.served):
            return None
        lane = Lane(
            served,
            self._tell(served),
            self.config.limits,
            self.config.batcher,
            asyncio.get_running_loop(),
            self._workers,
            self._clock,
            store=self._store,
            watched=self.tracer is not None or self.access_log is not None,
        )
        self._lanes[id(served)] = lane
        return lane

    def _tell(self, served: Served) -> ModelMeter:
        """The version is in the metrics from here on."""
        meter = self.metrics.model(served.name, served.version)
        meter.load_seconds = served.load_seconds
        return meter


def _tested(served: Served) -> dict[str, Any]:
    verdict = served.verdict
    return {
        "passed": True,
        "source": verdict.source,
        "seconds": round(verdict.seconds, 6),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(served.tested_at)),
        "loadSeconds": round(served.load_seconds, 3),
    }


def _unloaded() -> RequestFault:
    return RequestFault(503, "ModelNotReady", "the model is not loaded any more", ((b"retry-after", b"1"),))


def _store(settings: Cache | None, clock: Callable[[], float]) -> Store | None:
    if settings is None:
        return None
    from moorage_runtime.caching.opening import open_store

    return open_store(settings, clock)


def _remembering(settings: Cache | None) -> dict[str, Any] | None:
    if settings is None:
        return None
    where = "redis" if settings.redis else "memory"
    return {"in": where, "maxEntries": settings.max_entries, "ttlSeconds": settings.ttl_seconds}


def _resource(config: RuntimeConfig) -> dict[str, str]:
    return {
        "service.version": config.version,
        "service.namespace": config.namespace or "default",
        "moorage.deployment": config.model,
        "moorage.revision": config.revision,
    }


def _give_way() -> None:
    """Let this thread, and no other, run after the loop's."""
    thread = threading.get_native_id()
    os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + NICE))
