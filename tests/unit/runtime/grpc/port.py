"""A gRPC port over a model that doubles its input, in the test's own loop."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from tests.ports import free_port
from tests.unit.runtime import plane_fakes
from tests.unit.runtime.grpc import messages

from moorage_runtime.config import RuntimeConfig, Source
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.engines.engine import Cancel, Kernel
from moorage_runtime.repository.catalogue import Catalogue
from moorage_runtime.routing import Routes
from moorage_runtime.servers.grpc.port import listener
from moorage_runtime.servers.http2.limits import Limits
from moorage_runtime.servers.traffic import Traffic
from moorage_runtime.tensors import Array, TensorSpec

SERVICE = "/inference.GRPCInferenceService/"


class Doubling:
    """`x` FP32 [-1, 2] to `y`, twice as large; the first number is how many seconds that takes, if it is under 100."""

    platform = "test"
    kernel = Kernel("test")

    def __init__(self) -> None:
        self.optional: Mapping[str, TensorSpec] = {}
        self.inputs = {"x": TensorSpec("x", "FP32", (-1, 2))}
        self.outputs = {"y": TensorSpec("y", "FP32", (-1, 2))}
        self.cancels: list[Cancel] = []

    def infer(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None, cancel: Cancel | None = None
    ) -> dict[str, Array]:
        seconds = float(inputs["x"].flat[0]) if inputs["x"].size else 0.0
        if cancel is not None:
            self.cancels.append(cancel)
        if 0 < seconds < 100:
            end = time.monotonic() + seconds
            while time.monotonic() < end and not (cancel is not None and cancel.called):
                time.sleep(0.002)
        return {"y": inputs["x"] * 2}

    def close(self) -> None:
        pass


class Port:
    """The port, the model behind it, and calls to it."""

    def __init__(self, cost: float, keys: Any, number: int, transport: Limits | None, **settings: Any) -> None:
        self.number = number
        self.engine = Doubling()
        self.catalogue = Catalogue(["fraud"])
        config = RuntimeConfig(model="fraud", version="3", revision="abc", source=Source(uri="file:///m"), **settings)
        self.plane = DataPlane(config, self.catalogue, Routes(Path("/nowhere"), "abc"))
        self.serve("3", cost)
        self.catalogue.open()
        self.traffic = Traffic()
        self.listener = listener(self.plane, self.traffic, "127.0.0.1", number, keys, transport)

    def serve(self, version: str, cost: float) -> None:
        served = plane_fakes.served(self.engine, cost, batchable=False)
        served.version = version
        self.catalogue.install(served)
        self.plane.open(served)

    def channel(self, *options: tuple[str, Any]) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(
            f"127.0.0.1:{self.number}", options=[("grpc.use_local_subchannel_pool", 1), *options]
        )


@asynccontextmanager
async def opened(
    cost: float = 1e-6, *, keys: Any = None, number: int = 0, transport: Limits | None = None, **settings: Any
) -> AsyncIterator[Port]:
    """A port that answers. `cost`: seconds of a run as the plane believes; above a millisecond it runs in threads."""
    made = Port(cost, keys, number or free_port(), transport, **settings)
    await made.listener.start()
    try:
        yield made
    finally:
        await made.listener.stop(0)
        made.plane.close()


def question(*rows: Any, **more: Any) -> bytes:
    array = np.array(rows or [(100.0, 1.0)], np.float32)
    values: dict[str, Any] = {
        "model_name": "fraud",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": array.shape}],
        "raw_input_contents": [array.tobytes()],
    }
    content: bytes = messages.make("ModelInferRequest", **values | more).SerializeToString()
    return content


def answered(content: bytes) -> list[list[float]]:
    read = messages.read("ModelInferResponse", content)
    (raw,) = read.raw_output_contents
    rows: list[list[float]] = np.frombuffer(raw, np.float32).reshape(read.outputs[0].shape).tolist()
    return rows


def infer(channel: grpc.aio.Channel, message: bytes | None = None, **more: Any) -> Any:
    return channel.unary_unary(SERVICE + "ModelInfer")(question() if message is None else message, **more)


async def refusal(call: Any) -> grpc.aio.AioRpcError:
    """The error that a call ends with."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the call was answered")
