"""The data plane: live, ready, metadata, infer, and the state of it all. Knows models and requests, no transport."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moorage_runtime import metrics as outcomes
from moorage_runtime.codecs import v2
from moorage_runtime.config import RuntimeConfig
from moorage_runtime.engines.engine import Cancel
from moorage_runtime.errors import RequestFault
from moorage_runtime.metrics import Metrics
from moorage_runtime.repository import Model, Phase, Version
from moorage_runtime.routing import Routes
from moorage_runtime.tensors import Array

log = logging.getLogger(__name__)

INLINE_SECONDS = 0.001
WORKERS = 4


class DataPlane:
    """Answers for one version of one model."""

    def __init__(self, config: RuntimeConfig, version: Version, routes: Routes) -> None:
        self.config = config
        self.version = version
        self.routes = routes
        self.in_flight = 0
        self.metrics = Metrics(config.model, config.version, lambda: self.in_flight, lambda: version.ready)
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="infer")

    @property
    def ready(self) -> bool:
        """Whether this pod should get traffic; true only after a test inference that really ran."""
        return self.version.ready

    @property
    def leaving(self) -> bool:
        """Whether clients should look for another pod: this one drains, or its revision serves no more."""
        return self.version.phase is Phase.DRAINING or self.routes.leaving

    def metadata(self) -> bytes:
        """The model's metadata document. Raises `RequestFault` 503 while loading."""
        engine = self._model().engine
        return v2.encode_metadata(
            self.config.model,
            self.config.version,
            engine.platform,
            list(engine.inputs.values()),
            list(engine.outputs.values()),
        )

    async def infer(self, body: bytes) -> bytes:
        """Answer one V2 inference request. Raises `RequestFault` with the status that the client gets."""
        started = time.perf_counter()
        outcome = outcomes.FAILED
        self.in_flight += 1
        try:
            model = self._model()
            request = v2.decode_infer(body, model.engine.inputs, model.engine.outputs)
            outputs = await self._run(model, request)
            answer = v2.encode_infer(self.config.model, self.config.version, request.id, outputs)
            outcome = outcomes.OK
            return answer
        except RequestFault as fault:
            outcome = _outcome(fault.status)
            raise
        finally:
            self.in_flight -= 1
            self.metrics.observe(outcome, time.perf_counter() - started)

    def state(self) -> dict[str, Any]:
        """What the operator asks every pod: who it is, what it applied, and whether it can answer."""
        model = self.version.model
        route = self.routes.route
        return {
            "model": self.config.model,
            "namespace": self.config.namespace,
            "version": self.config.version,
            "revision": self.config.revision,
            "digest": model.digest if model else None,
            "phase": str(self.version.phase),
            "ready": self.ready,
            "inFlight": self.in_flight,
            "routes": {"generation": self.routes.generation, "role": route.role if route else None},
            "testInference": _tested(model) if model else None,
        }

    def close(self) -> None:
        """Start no further run; those under way are left to end with the process."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def _run(self, model: Model, request: v2.InferRequest) -> dict[str, Array]:
        cancel = Cancel()
        try:
            if self._estimate(model, request) <= INLINE_SECONDS:
                return model.engine.infer(request.inputs, request.outputs)
            loop = asyncio.get_running_loop()
            run = loop.run_in_executor(self._workers, model.engine.infer, request.inputs, request.outputs, cancel)
            return await asyncio.wait_for(run, self.config.timeout_seconds)
        except TimeoutError as error:
            cancel()
            raise RequestFault(
                504, "InferenceTimeout", f"the model did not answer within {self.config.timeout_seconds:g} s"
            ) from error
        except Exception as error:
            log.exception("inference failed")
            raise RequestFault(500, "InferenceFailed", "the model failed on this input") from error

    @staticmethod
    def _estimate(model: Model, request: v2.InferRequest) -> float:
        """Seconds that a run will take at most, if its cost grows with the rows as the warm-up's did."""
        verdict = model.verdict
        rows = max((array.shape[0] for array in request.inputs.values() if array.ndim), default=1)
        return verdict.seconds * max(1.0, rows / verdict.rows)

    def _model(self) -> Model:
        if self.version.model is None:
            raise RequestFault(503, "ModelNotReady", "the model is still loading")
        return self.version.model


def _outcome(status: int) -> str:
    if status == 504:
        return outcomes.TIMEOUT
    return outcomes.REFUSED if status < 500 else outcomes.FAILED


def _tested(model: Model) -> dict[str, Any]:
    verdict = model.verdict
    return {
        "passed": True,
        "source": verdict.source,
        "seconds": round(verdict.seconds, 6),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(model.tested_at)),
        "loadSeconds": round(model.load_seconds, 3),
    }
