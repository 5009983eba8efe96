"""What one unusual request needed is given back; what the usual ones need is kept."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
from tests.unit.runtime.graphs import node, save, tensor, weight

from moorage_runtime.config import Onnx
from moorage_runtime.engines import onnx as engine
from moorage_runtime.engines.engine import Cancel
from moorage_runtime.engines.onnx.arena import Arena
from moorage_runtime.tensors import Array


def rows(count: int) -> dict[str, Array]:
    return {"x": np.ones((count, 16), np.float32)}


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


def test_only_after_an_unusual_run_and_at_most_once_a_second() -> None:
    clock = Clock()
    arena = Arena(clock)
    assert [arena.must_shrink(rows(count)) for count in (1, 64, 4096)] == [False] * 3
    assert [arena.must_shrink(rows(count)) for count in (4097, 4097, 1)] == [True, False, False]
    clock.now += 1.0
    assert [arena.must_shrink(rows(count)) for count in (1, 1)] == [True, False]


def test_what_is_usual_is_told_by_the_first_run() -> None:
    arena = Arena(Clock())
    assert [arena.must_shrink(rows(count)) for count in (1000, 64_000, 64_001)] == [False, False, True]


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """16 numbers a row in and out, by way of 4096."""
    first, second = np.ones((16, 4096), np.float32), np.ones((4096, 16), np.float32)
    nodes = [node("MatMul", ["x", "v"], ["h"]), node("Relu", ["h"], ["r"]), node("MatMul", ["r", "w"], ["y"])]
    weights = [weight("v", first), weight("w", second)]
    return save(tmp_path, nodes, [tensor("x", shape=["n", 16])], [tensor("y", shape=["n", 16])], weights)


def resident() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


@pytest.mark.parametrize("cancellable", [False, True])
def test_a_large_request_does_not_stay_in_memory(cancellable: bool, wide: Path) -> None:
    loaded = engine.load(wide, 1)
    loaded.infer(rows(1))
    before = resident()
    loaded.infer(rows(8192), None, Cancel() if cancellable else None)
    assert resident() - before < 32


def test_without_an_arena_nothing_is_to_be_given_back(wide: Path) -> None:
    loaded = engine.load(wide, 1, Onnx(enable_cpu_mem_arena=False))
    loaded.infer(rows(1))
    before = resident()
    loaded.infer(rows(8192))
    assert resident() - before < 32
