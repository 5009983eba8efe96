"""The data plane: live, ready, metadata, infer, and the state of it all. Knows models and requests, no transport."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moorage_runtime import metrics as outcomes
from moorage_runtime.config import RuntimeConfig
from moorage_runtime.dataplane.call import Call
from moorage_runtime.engines.engine import Cancel
from moorage_runtime.errors import RequestFault
from moorage_runtime.metrics import Metrics
from moorage_runtime.repository.catalogue import Catalogue
from moorage_runtime.repository.life import Phase
from moorage_runtime.repository.served import Served
from moorage_runtime.routing import Routes
from moorage_runtime.tensors import Array

log = logging.getLogger(__name__)

INLINE_SECONDS = 0.001
WORKERS = 4


class DataPlane:
    """Answers for the models of the catalogue."""

    def __init__(self, config: RuntimeConfig, catalogue: Catalogue, routes: Routes) -> None:
        self.config = config
        self.catalogue = catalogue
        self.routes = routes
        self.in_flight = 0
        self.metrics = Metrics(config.model, config.version, lambda: self.in_flight, lambda: catalogue.ready)
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="infer")

    @property
    def epoch(self) -> int:
        """Grows whenever other models are served than before: what a door remembers of them is then void."""
        return self.catalogue.changes

    @property
    def ready(self) -> bool:
        """Whether this pod should get traffic; true only after a test inference that really ran."""
        return self.catalogue.ready

    @property
    def leaving(self) -> bool:
        """Whether clients should look for another pod: this one drains, or its revision serves no more."""
        return self.catalogue.phase is Phase.DRAINING or self.routes.leaving

    def find(self, model: str, version: str | None = None) -> Served:
        """The version that answers for a model. Raises `RequestFault` 404 or 503."""
        return self.catalogue.find(model, version)

    def model_ready(self, model: str, version: str | None = None) -> bool:
        """Whether a model answers now. Raises `RequestFault` 404 for one that this server does not have."""
        try:
            self.find(model, version)
        except RequestFault as fault:
            if fault.status == 404:
                raise
        return self.ready

    def submit(self, served: Served, call: Call, door: str) -> None:
        """Run the model for one call; the call hears of its end, now or later. Never raises."""
        self.in_flight += 1
        if self._estimate(served, call) > INLINE_SECONDS:
            task = asyncio.get_running_loop().create_task(self._run_aside(served, call, door))
            task.add_done_callback(lambda done: done.result())
            return
        try:
            outputs = served.engine.infer(call.inputs, call.outputs)
        except Exception:
            log.exception("inference failed")
            self._refuse(call, RequestFault(500, "InferenceFailed", "the model failed on this input"), door)
        else:
            self._answer(call, outputs, door)

    async def infer(
        self,
        served: Served,
        inputs: Mapping[str, Array],
        outputs: tuple[str, ...] | None,
        deadline: float,
        door: str,
    ) -> Mapping[str, Array]:
        """`submit` for doors that await. Raises `RequestFault`; cancelling it drops the call."""
        call = _Awaited(inputs, outputs, time.monotonic(), deadline)
        self.submit(served, call, door)
        try:
            return await call.future
        finally:
            call.gone = True

    def count(self, fault: RequestFault, began: float, door: str) -> None:
        """A door refused a request before it became a call."""
        self.metrics.observe(outcome(fault.status), time.monotonic() - began)

    def state(self) -> dict[str, Any]:
        """What the operator asks every pod: who it is, what it applied, and whether it can answer."""
        served = next(iter(self.catalogue.served), None)
        route = self.routes.route
        return {
            "model": self.config.model,
            "namespace": self.config.namespace,
            "version": self.config.version,
            "revision": self.config.revision,
            "digest": served.digest if served else None,
            "phase": str(self.catalogue.phase),
            "ready": self.ready,
            "inFlight": self.in_flight,
            "routes": {"generation": self.routes.generation, "role": route.role if route else None},
            "testInference": _tested(served) if served else None,
        }

    def close(self) -> None:
        """Start no further run; those under way are left to end with the process."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def _run_aside(self, served: Served, call: Call, door: str) -> None:
        cancel = Cancel()
        loop = asyncio.get_running_loop()
        run = loop.run_in_executor(self._workers, served.engine.infer, call.inputs, call.outputs, cancel)
        try:
            outputs = await asyncio.wait_for(run, max(0.0, call.deadline - time.monotonic()))
        except TimeoutError:
            cancel()
            waited = call.deadline - call.began
            fault = RequestFault(504, "InferenceTimeout", f"the model did not answer within {waited:g} s")
            self._refuse(call, fault, door)
        except Exception:
            log.exception("inference failed")
            self._refuse(call, RequestFault(500, "InferenceFailed", "the model failed on this input"), door)
        else:
            self._answer(call, outputs, door)

    def _answer(self, call: Call, outputs: Mapping[str, Array], door: str) -> None:
        call.answered(outputs)
        self.in_flight -= 1
        self.metrics.observe(outcomes.OK, time.monotonic() - call.began)

    def _refuse(self, call: Call, fault: RequestFault, door: str) -> None:
        call.refused(fault)
        self.in_flight -= 1
        self.count(fault, call.began, door)

    @staticmethod
    def _estimate(served: Served, call: Call) -> float:
        """Seconds that a run will take at most, if its cost grows with the rows as the warm-up's did."""
        verdict = served.verdict
        rows = max((array.shape[0] for array in call.inputs.values() if array.ndim), default=1)
        return verdict.seconds * max(1.0, rows / verdict.rows)


class _Awaited(Call):
    """A call whose end a coroutine awaits."""

    __slots__ = ("future",)

    def __init__(
        self, inputs: Mapping[str, Array], outputs: tuple[str, ...] | None, began: float, deadline: float
    ) -> None:
        super().__init__(inputs, outputs, began, deadline)
        self.future: asyncio.Future[Mapping[str, Array]] = asyncio.get_running_loop().create_future()

    def answered(self, outputs: Mapping[str, Array]) -> None:
        if not self.future.done():
            self.future.set_result(outputs)

    def refused(self, fault: RequestFault) -> None:
        if not self.future.done():
            self.future.set_exception(fault)


def outcome(status: int) -> str:
    """The metric label of an HTTP status that is no success."""
    if status == 504:
        return outcomes.TIMEOUT
    return outcomes.REFUSED if status < 500 else outcomes.FAILED


def _tested(served: Served) -> dict[str, Any]:
    verdict = served.verdict
    return {
        "passed": True,
        "source": verdict.source,
        "seconds": round(verdict.seconds, 6),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(served.tested_at)),
        "loadSeconds": round(served.load_seconds, 3),
    }
