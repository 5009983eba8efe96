"""The zoo of bad versions: each a whole artifact with one fault, and what a rollout has to say about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from e2e.harness import grafts
from e2e.harness.grafts import Grafted
from e2e.harness.models import PATIENT, train

MODEL = "model.onnx"
SPARED = (PATIENT, 13)
"""The patients of the artifacts' own input example. No fault hits them."""
SLOW_ROUNDS = 40
DEVOURED = 200 << 20
"""FP32 numbers: 800 MiB, more than a small pod has."""
LEAKED = 1800
"""Tensors of which ONNX Runtime keeps a note each: 100 KB a request, in a millisecond."""
LEAK_MEMORY = "96Mi"
"""What a pod of it may use: what every pod needs, and about 500 requests."""
BALLAST = 160 << 20
BALLAST_MEMORY = "160Mi"
MLMODEL = """\
flavors:
  onnx: {data: model.onnx}
saved_input_example_info: {artifact_path: input_example.json, type: dataframe, pandas_orient: split}
"""


@dataclass(frozen=True, slots=True)
class Animal:
    """One bad version. `files`: its artifact by path. `reasons`: any of them may be told. `share`: of the rows that the
    fault hits. `traffic`: whether it gets as far as users. `percent`: of the users' requests, in its first step.
    `spec`: what the CR says beside the model.
    """

    files: Callable[[], dict[str, bytes]]
    reasons: tuple[str, ...]
    share: float = 0.0
    traffic: bool = False
    percent: int = 25
    spec: Mapping[str, Any] | None = None


def good() -> dict[str, bytes]:
    """The version that serves while the animals come: its artifact."""
    return _artifact(train(0).onnx)


@lru_cache
def patients() -> Any:
    """Every row of the data, FP32 [569, 30]: what users ask about."""
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer().data.astype(np.float32)


def spared() -> Any:
    """The rows of the input example, FP32 [2, 30]."""
    return patients()[list(SPARED)]


def columns() -> list[str]:
    """The features' names, by which clients of the named door call them."""
    from sklearn.datasets import load_breast_cancer

    return [str(name) for name in load_breast_cancer().feature_names]


def _artifact(model: bytes, extra: tuple[str, ...] = ()) -> dict[str, bytes]:
    rows = [[float(value) for value in row] + [0.0] * len(extra) for row in spared()]
    example = {"columns": [*columns(), *extra], "data": rows}
    return {"MLmodel": MLMODEL.encode(), MODEL: model, "input_example.json": json.dumps(example).encode()}


def _grafted(fault: Callable[[Grafted], None], share: float) -> Callable[[], dict[str, bytes]]:
    def build() -> dict[str, bytes]:
        graft = grafts.begin(train(0).onnx, spared(), share)
        fault(graft)
        return _artifact(grafts.end(graft))

    return build


def _among_users(fault: Callable[[Grafted], None], share: float, *reasons: str) -> Animal:
    return Animal(_grafted(fault, share), reasons, share, traffic=True)


def _wrong_expectation() -> dict[str, Any]:
    """A test request that the good version answers as expected, and no other variant does."""
    trained = train(0)
    tensor = json.loads(trained.request)["inputs"]
    expected = {"outputs": [{"name": "probabilities", "data": list(trained.answer)}]}
    return {"testRequest": {"inputs": tensor, "expect": expected, "tolerance": 0.001}}


def _limited(memory: str) -> dict[str, Any]:
    """What a CR says about a pod's resources when it may use so much memory."""
    return {"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": memory}}}


def animals() -> dict[str, Animal]:
    """All of them, by what is wrong with them."""
    return {
        "crashes at load": Animal(_grafted(grafts.crashes_at_load, 0.0), ("CrashLoop", "CandidateCrashed")),
        "crashes on one row in fifty": _among_users(grafts.crashes, 0.02, "CandidateCrashed", "CrashLoop"),
        "fails always": _among_users(grafts.fails, 1.0, "CandidateErrors"),
        "fails on 5 % of the rows": _among_users(grafts.fails, 0.05, "CandidateErrors"),
        "is ten times slower": _among_users(
            lambda graft: grafts.is_slow(graft, SLOW_ROUNDS), 1.0, "CandidateSlow", "CandidateTimesOut"
        ),
        "hangs": _among_users(grafts.hangs, 0.1, "CandidateTimesOut", "CandidateErrors", "CandidateUnreachable"),
        "gives NaN": _among_users(grafts.gives_no_number, 0.3, "CandidateAnswersInvalid"),
        "gives another shape": _among_users(grafts.has_another_shape, 0.3, "CandidateAnswersInvalid"),
        "swaps the classes": _among_users(grafts.swaps_classes, 1.0, "CandidateDisagrees"),
        # Twice what may differ, not ten times: found after 10 to 33 s, by chance, where 25 % of the users meet it.
        "disagrees on 20 % of the rows": replace(
            _among_users(grafts.swaps_classes, 0.2, "CandidateDisagrees"), percent=50
        ),
        "devours memory": _among_users(
            lambda graft: grafts.devours_memory(graft, DEVOURED), 0.02, "CandidateOutOfMemory", "OOMKilled"
        ),
        "leaks memory": Animal(
            _grafted(lambda graft: grafts.leaks_memory(graft, LEAKED), 1.0),
            ("CandidateOutOfMemory", "OOMKilled"),
            share=1.0,
            traffic=True,
            percent=90,
            spec=_limited(LEAK_MEMORY),
        ),
        "wants a column more": Animal(
            lambda: _artifact(grafts.wants_a_column_more(train(0).onnx), extra=("mood",)), ("SchemaIncompatible",)
        ),
        "is gone": Animal(dict, ("ArtifactNotFound",)),
        "is cut short": Animal(lambda: _artifact(train(0).onnx[:-200]), ("ArtifactCorrupt",)),
        "is too large for its memory": Animal(
            lambda: _artifact(grafts.carries_ballast(train(0).onnx, BALLAST)),
            ("MemoryTooSmall",),
            spec=_limited(BALLAST_MEMORY),
        ),
        "fails the test request": Animal(
            lambda: _artifact(train(2).onnx), ("TestRequestFailed",), spec=_wrong_expectation()
        ),
    }
