"""Is it the model's answer? Every cell's first answer is compared with onnxruntime's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import onnxruntime

from . import models

TOLERANCE = 1e-4
WEIGHTLESS = ("label",)


class Wrong(Exception):
    """An answer that is not the model's; the message shows it."""


def check(model: str, tensor: Any, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Compare one HTTP answer of any door with the model's own numbers; raises Wrong."""
    if status != 200:
        raise Wrong(f"{status} {body[:200]!r}")
    try:
        got = _numbers(headers, body)
    except (KeyError, ValueError, IndexError, TypeError) as fault:
        raise Wrong(f"{type(fault).__name__} {fault}: {body[:200]!r}") from fault
    compare(model, tensor, got)


def compare(model: str, tensor: Any, got: Any) -> None:
    """Compare the numbers of an answer with the model's own; raises Wrong."""
    want = expected(model, tensor)
    if got.size != want.size or not np.allclose(got.reshape(want.shape), want, atol=TOLERANCE):
        raise Wrong(f"{got.ravel()[:4]} instead of {want.ravel()[:4]}")


def expected(model: str, tensor: Any) -> Any:
    """What onnxruntime answers: the probabilities, or the image's means."""
    return _session(model).run([_session(model).get_outputs()[-1].name], {"input": tensor})[0]


@cache
def _session(model: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(models.artifact(model) / "model.onnx"), options)


def _numbers(headers: Mapping[str, str], body: bytes) -> Any:
    if length := headers.get("inference-header-content-length"):
        return _binary(json.loads(body[: int(length)])["outputs"], body[int(length) :])
    answer = json.loads(body)
    if "outputs" in answer:
        return np.array(next((each["data"] for each in answer["outputs"] if each["name"] not in WEIGHTLESS), []))
    if "predictions" in answer:
        return np.array([each["probabilities"] if isinstance(each, dict) else each for each in answer["predictions"]])
    named = answer["probabilities"]
    return np.array(list(named.values()) if isinstance(named, dict) else named)


def _binary(outputs: list[dict[str, Any]], rest: bytes) -> Any:
    at = 0
    for output in outputs:
        size = output["parameters"]["binary_data_size"]
        if output["name"] not in WEIGHTLESS:
            return np.frombuffer(rest[at : at + size], np.float32)
        at += size
    raise ValueError("no output but the label")
