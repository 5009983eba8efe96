"""Great answers: written in slices to the same bytes, with others answered in between, and accounted for in any end."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from tests.unit.runtime.batching_fakes import Doubling
from tests.unit.runtime.test_plane_stream import ends, plane_of

from moorage_runtime.codecs.features.question import Options, Question
from moorage_runtime.codecs.features.writer import Writer as FeaturesWriter
from moorage_runtime.codecs.slices import GREAT_ELEMENTS, SLICE_BYTES
from moorage_runtime.codecs.v1 import writer as v1
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.codecs.v2.writer import Writer as V2Writer
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.listener import Listener
from moorage_runtime.servers.rest.door import Door
from moorage_runtime.servers.rest.features import FeaturesDoor
from moorage_runtime.servers.rest.interpreters import Interpreters
from moorage_runtime.servers.rest.router import Router
from moorage_runtime.servers.rest.turns import Turns
from moorage_runtime.servers.rest.v1 import V1Door
from moorage_runtime.servers.rest.v2 import V2Door
from moorage_runtime.steps import finish
from moorage_runtime.tensors import TensorSpec

MANY = 5000
NUMBERS = np.arange(2 * MANY, dtype=np.float32).reshape(MANY, 2) / 3
LABELS = np.arange(MANY)
WORDS = np.array([f"w{at}" for at in range(MANY)], np.object_)
OUTPUTS: list[dict[str, Any]] = [
    {"y": NUMBERS},
    {"label": LABELS, "probabilities": NUMBERS},
    {"word": WORDS, "y": NUMBERS.astype(np.float16), "flag": LABELS % 2 == 0},
    {"one": NUMBERS.reshape(1, -1)},
    {"deep": NUMBERS.reshape(2, -1, 5, 2), "few": np.ones((2, 1), np.int8)},
    {"nan": np.full(GREAT_ELEMENTS + 1, np.nan, np.float32)},
    {"wide": np.zeros((GREAT_ELEMENTS, 3), np.int8).T},
]


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("binary", [(), ("y",)])
def test_v2_in_parts_is_v2_at_once(outputs: dict[str, Any], binary: tuple[str, ...]) -> None:
    writer, request = V2Writer("m", "1"), InferRequest({}, None, "r", {}, binary)
    assert (writer.write_quickly(request, outputs) is None) == any(
        array.size > GREAT_ELEMENTS and name not in binary for name, array in outputs.items()
    )
    parts, length = finish(writer.steps(request, outputs))
    assert (b"".join(parts), length) == writer.write(request, outputs)
    assert max(map(len, parts)) < 8 * SLICE_BYTES or "y" in binary


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("by_row", [True, False])
def test_v1_in_parts_is_v1_at_once(outputs: dict[str, Any], by_row: bool) -> None:
    assert v1.takes_long(outputs)
    if by_row and len({len(array) for array in outputs.values()}) > 1:
        with pytest.raises(RequestFault):
            finish(v1.steps(outputs, by_row=by_row))
        return
    parts = finish(v1.steps(outputs, by_row=by_row))
    assert b"".join(parts) == v1.encode(outputs, by_row=by_row)
    assert max(map(len, parts)) < 8 * SLICE_BYTES


def test_v1_outputs_that_differ_in_rows_are_refused_as_at_once() -> None:
    outputs = {"y": NUMBERS, "z": NUMBERS[:-1]}
    with pytest.raises(RequestFault, match="differ in rows"):
        finish(v1.steps(outputs, by_row=True))


@pytest.mark.parametrize("classes", [None, ("no", "yes")])
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("outputs", OUTPUTS[:3])
def test_features_in_parts_are_features_at_once(outputs: dict[str, Any], classes: Any, told: bool) -> None:
    types = {"f": "FP32", "i": "INT64", "O": "BYTES", "b": "BOOL"}
    specs = {name: TensorSpec(name, types[a.dtype.kind], (-1, *a.shape[1:])) for name, a in outputs.items()}
    writer = FeaturesWriter(specs, classes, "7")
    question = Question({}, MANY, False, Options(return_probabilities=told, request_id="r"))
    assert writer.takes_long(question, outputs)
    parts = finish(writer.steps(question, outputs, "r", 0.001))
    assert b"".join(parts) == writer.write(question, outputs, "r", 0.001)
    assert max(map(len, parts)) < 8 * SLICE_BYTES


def test_features_without_a_row_for_each_row_are_refused() -> None:
    writer = FeaturesWriter({"y": TensorSpec("y", "FP32", (-1, 2))}, None, "7")
    with pytest.raises(RequestFault, match="no row for each row"):
        finish(writer.steps(Question({}, MANY + 1, False, Options()), {"y": NUMBERS}, "r", 0.001))


@asynccontextmanager
async def serving(engine: Any = None) -> AsyncIterator[tuple[DataPlane, int]]:
    plane, _ = plane_of(engine or Doubling(width=2))
    plane.catalogue.open()
    turns, interpreters = Turns(), Interpreters(plane)
    doors: list[Door] = [
        V2Door(plane, turns),
        FeaturesDoor(plane, interpreters, turns),
        V1Door(plane, interpreters, turns),
    ]
    listener = Listener(Router(doors), "127.0.0.1", 0)
    await listener.start()
    try:
        yield plane, listener.port
    finally:
        await listener.stop(1)
        plane.close()


async def send(port: int, path: str, document: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    body = json.dumps(document).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
    return reader, writer


async def answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode()
    length = int(head.lower().partition("content-length: ")[2].split("\r\n")[0])
    return int(head.split()[1]), json.loads(await reader.readexactly(length))


def v2(rows: int) -> tuple[str, Any]:
    tensor = {"name": "x", "shape": [rows, 2], "datatype": "FP32", "data": [1.0] * (2 * rows)}
    return "/v2/models/fraud/infer", {"inputs": [tensor]}


GREAT = {
    "v2": v2(20_000),
    "v1": ("/v1/models/fraud:predict", {"instances": [[1.0, 1.0]] * 20_000}),
    "features": ("/v1/predict", {"rows": [{"f0": 1.0, "f1": 1.0}] * 20_000}),
}


@pytest.mark.parametrize("door", GREAT)
def test_others_are_answered_while_a_great_request_is_read_and_written(door: str) -> None:
    async def run() -> tuple[tuple[int, Any], int, dict[str, int]]:
        async with serving() as (plane, port):
            reader, _ = await send(port, *GREAT[door])
            great = asyncio.ensure_future(answer(reader))
            served = 0
            while not great.done():
                small, writer = await send(port, *v2(1))
                assert (await answer(small))[0] == 200
                writer.close()
                served += 1
            assert plane.in_flight == 0
            doors = plane.metrics.model("fraud", "3").doors
            return await great, served, {name: sum(meter.seconds.counts) for name, meter in doors.items()}

    (status, told), served, counts = asyncio.run(run())
    assert status == 200
    assert len(json.dumps(told)) > 20_000 * 8
    assert served > 5
    assert counts[door] == (served + 1 if door == "v2" else 1)


def test_who_leaves_while_its_answer_is_written_is_counted_and_holds_no_place() -> None:
    async def run() -> dict[str, int]:
        async with serving() as (plane, port):
            _, writer = await send(port, *v2(60_000))
            while not plane.in_flight:  # noqa: ASYNC110 - of another, which tells nobody
                await asyncio.sleep(0)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            while plane.in_flight:  # noqa: ASYNC110
                await asyncio.sleep(0)
            return ends(plane)

    assert asyncio.run(run()) == {"cancelled": 1}


class Odd(Doubling):
    """Gives what no protocol can tell."""

    def infer(self, *asked: Any, **more: Any) -> dict[str, Any]:
        found = super().infer(*asked, **more)
        return {"y": found["y"].astype(np.complex64), "sum": found["sum"]}


def test_an_answer_that_cannot_be_told_is_500_in_slices_too() -> None:
    async def run() -> tuple[int, int]:
        async with serving(Odd(width=2)) as (plane, port):
            reader, _ = await send(port, *v2(20_000))
            status, _ = await answer(reader)
            return status, plane.in_flight

    assert asyncio.run(run()) == (500, 0)
