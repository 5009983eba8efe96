"""A lane over a model that costs what a test says, with a loop and threads that the test turns by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.unit.runtime.batching_fakes import Doubling, Loop, Threads

from moorage_runtime.artifact import Manifest
from moorage_runtime.caching.memory import MemoryStore
from moorage_runtime.caching.store import Store
from moorage_runtime.config import Batcher, Limits
from moorage_runtime.dataplane.call import Call
from moorage_runtime.dataplane.lane import Lane
from moorage_runtime.errors import RequestFault
from moorage_runtime.metrics.metrics import Metrics
from moorage_runtime.repository.served import Served
from moorage_runtime.tensors import TensorSpec
from moorage_runtime.trial import Verdict

DIGEST = "sha256:" + "0" * 64


def served(engine: Any, cost: float, *, batchable: bool = True) -> Served:
    verdict = Verdict(
        source="zeros", seconds=cost, rows=1, batchable=batchable, seconds_by_rows=((1, cost), (8, cost * 2))
    )
    manifest = Manifest(uri="file:///m", digest=DIGEST, bytes=1, files=1, model_format="onnx", model_file="model.onnx")
    return Served(
        name="fraud",
        version="3",
        revision="abc",
        manifest=manifest,
        engine=engine,
        digest=DIGEST,
        verdict=verdict,
        load_seconds=0.5,
        tested_at=0.0,
    )


class Told(Call):
    """A call that writes down what it is told, and when."""

    __slots__ = ("at", "clock", "ends")

    def __init__(
        self, x: Any, timeout: float, loop: Loop, outputs: tuple[str, ...] | None = None, cache: str | None = None
    ) -> None:
        super().__init__({"x": np.asarray(x, np.float32)}, outputs, loop.now, loop.now + timeout)
        self.cache = cache
        self.clock = loop.clock
        self.ends: list[Any] = []
        self.at = 0.0

    def answered(self, outputs: Any) -> None:
        self.at = self.clock()
        self.ends.append(outputs)

    def refused(self, fault: RequestFault) -> None:
        self.at = self.clock()
        self.ends.append(fault)

    @property
    def status(self) -> int:
        """200, or the refusal's; 0 while it has heard nothing."""
        if not self.ends:
            return 0
        (end,) = self.ends
        return end.status if isinstance(end, RequestFault) else 200


class Desk:
    """A lane and its world. `cost`: seconds of a row."""

    def __init__(
        self,
        cost: float = 1e-6,
        *,
        concurrency: int | None = None,
        queue: int = 1024,
        most: int = 8,
        window: float = 0.0,
        batchable: bool = True,
        cache: bool = False,
        watched: bool = False,
        extra: int = 0,
        width: int = -1,
        optional: str = "",
    ) -> None:
        self.loop, self.threads = Loop(), Threads()
        self.engine = Doubling(self.loop if cost < 0.001 else None, cost, width, extra)
        self.engine.optional = {optional: TensorSpec(optional, "FP32", (-1,))} if optional else {}
        self.metrics = Metrics(lambda: True, lambda: 7)
        self.meter = self.metrics.model("fraud", "3")
        self.store: Store | None = MemoryStore(16, 1.0, 1 << 20, self.loop.clock) if cache else None
        self.lane = Lane(
            served(self.engine, cost, batchable=batchable),
            self.meter,
            Limits(concurrency=concurrency, queue=queue),
            Batcher(max_batch_size=most, max_latency_seconds=window),
            self.loop,
            self.threads,
            self.loop.clock,
            store=self.store,
            watched=watched,
        )

    def ask(self, x: Any = ((1.0, 2.0),), timeout: float = 1.0, **more: Any) -> Told:
        call = Told(x, timeout, self.loop, **more)
        self.lane.submit(call, self.meter.doors["v2"])
        return call

    def rest(self) -> None:
        """Let everything that is under way end."""
        self.loop.settle(1000)
        while self.threads.works:
            self.threads.end()
            self.loop.settle(1000)

    def outcomes(self) -> dict[str, int]:
        return dict(self.meter.doors["v2"].outcomes())
