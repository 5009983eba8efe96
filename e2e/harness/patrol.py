"""Users with many different questions: at an even rate, by every door, each answer held against the right one.

What is right was computed by ONNX Runtime from the good version's file, apart from the system under test.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from e2e.harness import zoo

SCRIPT = Path(__file__).with_name("patrol_in_pod.py")
DOORS = ("v2", "v2-binary", "v1", "features", "grpc")
HTTP_PORT, GRPC_PORT = 80, 9000
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Answers:
    """What one version answered: how many, how many of them wrong, asked when first and last (seconds since 1970)."""

    count: int
    wrong: int
    first: float
    last: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Round:
    """All that came back. `doors`: by door how many were sent and failed. `stalled`: seconds that the machine kept the
    patrol from asking.
    """

    sent: int
    failed: int
    failures: tuple[dict[str, Any], ...]
    versions: dict[str, Answers]
    doors: dict[str, dict[str, int]]
    stalled: float


class Patrol:
    """A running patrol: `stop` ends it and gives what came back."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def stop(self, seconds: float = 60) -> Round:
        """No more questions; the last answers are waited for."""
        out, err = self.process.communicate("", timeout=seconds)
        if not out.strip():
            raise AssertionError(f"the patrol gave no report: {err}")
        return read(out.strip().splitlines()[-1])


def read(line: str) -> Round:
    """The report of one patrol."""
    told = json.loads(line)
    versions = {name: Answers(**seen) for name, seen in told["versions"].items()}
    return Round(told["sent"], told["failed"], tuple(told["failures"]), versions, told["doors"], told["stalled"])


def plan(
    model: str, host: str, *, rate: float, seconds: float, port: int = HTTP_PORT, grpc_port: int = GRPC_PORT
) -> str:
    """The line that the patrol starts with: every patient of the data, the doors in turn."""
    where = {"host": host, "port": port, "grpcPort": grpc_port}
    body = {**where, "rate": rate, "seconds": seconds, "asks": list(asks(model))}
    return json.dumps(body) + "\n"


def asks(model: str) -> Iterator[dict[str, Any]]:
    """One question about each patient, with the good version's probabilities."""
    import onnxruntime

    session = onnxruntime.InferenceSession(zoo.good()[zoo.MODEL], providers=["CPUExecutionProvider"])
    right = session.run(["probabilities"], {"X": zoo.patients()})[0]
    for door, row, wanted in zip(cycle(DOORS), zoo.patients(), right, strict=False):
        path, headers, body = _MAKERS[door](model, row)
        yield {
            "door": door,
            "path": path,
            "headers": headers,
            "body": base64.b64encode(body).decode(),
            "right": [float(value) for value in wanted],
        }


def _v2(model: str, row: Any) -> tuple[str, dict[str, str], bytes]:
    tensor = {"name": "X", "shape": [1, len(row)], "datatype": "FP32", "data": row.tolist()}
    return f"/v2/models/{model}/infer", JSON, json.dumps({"inputs": [tensor]}).encode()


def _v2_binary(model: str, row: Any) -> tuple[str, dict[str, str], bytes]:
    tensor = {"name": "X", "shape": [1, len(row)], "datatype": "FP32", "parameters": {"binary_data_size": row.nbytes}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return f"/v2/models/{model}/infer", headers, head + row.tobytes()


def _v1(model: str, row: Any) -> tuple[str, dict[str, str], bytes]:
    return f"/v1/models/{model}:predict", JSON, json.dumps({"instances": [row.tolist()]}).encode()


def _features(model: str, row: Any) -> tuple[str, dict[str, str], bytes]:
    named = dict(zip(zoo.columns(), row.tolist(), strict=True))
    return f"/v1/predict/{model}", JSON, json.dumps({"features": named}).encode()


def _grpc(model: str, row: Any) -> tuple[str, dict[str, str], bytes]:
    tensor = _field(1, b"X") + _field(2, b"FP32") + _field(3, bytes([1, len(row)]))
    question = _field(1, model.encode()) + _field(5, tensor) + _field(7, row.tobytes())
    return "/inference.GRPCInferenceService/ModelInfer", {}, question


def _field(number: int, content: bytes) -> bytes:
    """One field of a protobuf message; all of ours are shorter than 128 bytes."""
    if len(content) > 127:
        raise ValueError(f"{len(content)} bytes")
    return bytes([number << 3 | 2, len(content)]) + content


_MAKERS = dict(zip(DOORS, (_v2, _v2_binary, _v1, _features, _grpc), strict=True))
