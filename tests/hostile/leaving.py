"""Clients that leave while their answer is made: the work stops, or its answer is dropped, within a second."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator

import grpc
from tests.hostile.attack import Attack
from tests.hostile.rpc import INFER, SERVICE, question
from tests.hostile.sending import CLOSED, connected, told, written
from tests.hostile.server import Server
from tests.unit.runtime.bad.case import Case

ROWS = 200
STOPPED = "stopped"
_RESET = struct.pack("ii", 1, 0)


def attacks() -> Iterator[Attack]:
    acts: dict[str, Callable[[Server], str]] = {
        "one that closes": lambda server: _leave(server, 1, rude=False),
        "one that resets": lambda server: _leave(server, 1, rude=True),
        "thirty that close": lambda server: _leave(server, 30, rude=False),
        "thirty that reset": lambda server: _leave(server, 30, rude=True),
        "one that closes in the middle of its body": lambda server: _leave(server, 1, rude=False, part=0.5),
        "one that resets in the middle of its body": lambda server: _leave(server, 1, rude=True, part=0.5),
        "one with requests behind it": _pipelined,
    }
    for name, act in acts.items():
        yield Attack("v2 binary", "cancels", name, act, (STOPPED,))
    yield Attack("v2 binary", "cancels", "a deadline in its head", _late, ("504",))
    yield Attack("grpc", "cancels", "a call that is cancelled", lambda server: _cancelled(server, 1), (STOPPED,))
    yield Attack(
        "grpc", "cancels", "thirty calls that are cancelled", lambda server: _cancelled(server, 30), (STOPPED,)
    )
    yield Attack("grpc", "cancels", "a stream that is cancelled", _cancelled_stream, (STOPPED,))
    yield Attack("grpc", "cancels", "a deadline", _grpc_late, ("DEADLINE_EXCEEDED",))
    for path in ("/v2/models/slow/requests/1/cancel", "/v2/requests/1", "/v1/predict/slow/jobs/1"):
        case = Case(path, None, (404,), path, "DELETE")
        yield Attack("v2 json", "cancels", f"a foreign request: {path}", _asking(case), ("404",))


def _asking(case: Case) -> Callable[[Server], str]:
    def act(server: Server) -> str:
        with connected(server.port) as line:
            line.sendall(written(case))
            return told(line, case.method)[0]

    return act


def slow_request(salt: float, **headers: str) -> bytes:
    """A request that takes a while, unlike any other with another salt."""
    content = struct.pack("<f", salt) + bytes(4 * 512 * ROWS - 4)
    tensor = {"name": "x", "shape": [ROWS, 512], "datatype": "FP32", "parameters": {"binary_data_size": len(content)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    named = {"Inference-Header-Content-Length": str(len(head)), "Connection": "keep-alive"} | headers
    return written(Case("slow", head + content, path="/v2/models/slow/infer", headers=named))


def _quiet(server: Server, seconds: float = 1.5) -> str:
    """Whether nothing of `slow` is under way within a second (and what a poll of a busy machine takes)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.in_flight("slow") == 0:
            return STOPPED
        time.sleep(0.02)
    return f"{server.in_flight('slow'):.0f} still under way"


def _leave(server: Server, count: int, *, rude: bool, part: float = 1.0) -> str:
    lines = [connected(server.port) for _ in range(count)]
    for at, line in enumerate(lines):
        data = slow_request(time.monotonic() + at)
        line.sendall(data[: int(len(data) * part)])
    time.sleep(0.1)
    for line in lines:
        if rude:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        line.close()
    return _quiet(server)


def _pipelined(server: Server) -> str:
    with connected(server.port) as line:
        line.sendall(b"".join(slow_request(time.monotonic() + at) for at in range(5)))
        time.sleep(0.1)
    return _quiet(server)


def _late(server: Server) -> str:
    with connected(server.port) as line:
        line.sendall(slow_request(time.monotonic(), **{"X-Request-Timeout": "5ms"}))
        status = told(line)[0]
    assert status != CLOSED
    return status if _quiet(server) == STOPPED else "still under way"


def slow_question(salt: float) -> bytes:
    content = struct.pack("<f", salt) + bytes(4 * 512 * ROWS - 4)
    tensor = {"name": "x", "datatype": "FP32", "shape": [ROWS, 512]}
    return question(model_name="slow", inputs=[tensor], raw_input_contents=[content])


def _cancelled(server: Server, count: int) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        infer = channel.unary_unary(INFER)
        calls = [infer.future(slow_question(time.monotonic() + at), timeout=20) for at in range(count)]
        time.sleep(0.1)
        for call in calls:
            call.cancel()
        return _quiet(server)


def _cancelled_stream(server: Server) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        call = channel.stream_stream(SERVICE + "ModelStreamInfer")(
            iter([slow_question(time.monotonic() + at) for at in range(10)]), timeout=20
        )
        time.sleep(0.1)
        call.cancel()
        return _quiet(server)


def _grpc_late(server: Server) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        try:
            channel.unary_unary(INFER)(slow_question(time.monotonic()), timeout=0.02)
        except grpc.RpcError as error:
            return str(error.code().name) if _quiet(server) == STOPPED else "still under way"
    return "OK"
