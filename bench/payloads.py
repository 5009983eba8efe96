"""The requests: what goes over the wire, and the tensor that it stands for."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import models

MODEL = "fraud"
DISTINCT_BYTES = 512 * 1024
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Payload:
    """One request body; `tensor` is what the model gets to see, FP32."""

    body: bytes
    tensor: Any
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)


def payloads(kind: str, rows: int) -> list[Payload]:
    """Different requests of one kind, at most 64 of them and at most half a MiB together (but one in any case)."""
    make = {"v2": _v2, "binary": _binary, "v1": _v1, "features": _features, "grpc": _grpc, "image": _image}[kind]
    first = make(models.rows(rows))
    count = min(64, DISTINCT_BYTES // len(first.body))
    return [first, *(make(models.rows(rows, start=index * rows)) for index in range(1, count))]


def _compact(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _v2(rows: Any) -> Payload:
    tensor = {"name": "input", "shape": list(rows.shape), "datatype": "FP32", "data": rows.ravel().tolist()}
    return Payload(_compact({"inputs": [tensor]}), rows.astype(np.float32))


def _v1(rows: Any) -> Payload:
    return Payload(_compact({"instances": rows.tolist()}), rows.astype(np.float32))


def _features(rows: Any) -> Payload:
    named = dict(zip(models.FEATURES, rows[0].tolist(), strict=True))
    return Payload(_compact({"features": named}), rows.astype(np.float32))


def _binary(rows: Any) -> Payload:
    return _binary_tensor(rows.astype(np.float32))


def _image(_rows: Any) -> Payload:
    return _binary_tensor(models.image())


def _binary_tensor(tensor: Any) -> Payload:
    size = {"binary_data_size": tensor.nbytes}
    named = {"name": "input", "shape": list(tensor.shape), "datatype": "FP32", "parameters": size}
    head = _compact({"inputs": [named], "parameters": {"binary_data_output": True}})
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return Payload(head + tensor.tobytes(), tensor, headers)


def _grpc(rows: Any) -> Payload:
    from tritonclient.grpc import service_pb2

    tensor = rows.astype(np.float32)
    request = service_pb2.ModelInferRequest(model_name=MODEL, raw_input_contents=[tensor.tobytes()])
    request.inputs.add(name="input", datatype="FP32", shape=tensor.shape)
    message = request.SerializeToString()
    return Payload(struct.pack(">BI", 0, len(message)) + message, tensor)
