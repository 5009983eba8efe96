"""What the warm-up finds out: whether rows may run together, what they cost, how many threads pay."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.runtime import models
from tests.unit.runtime.graphs import INT64, TEXT, node, save, tensor, weight

from moorage_runtime import rehearsal, trial
from moorage_runtime.engines import onnx as engine
from moorage_runtime.engines.engine import Cancel, Engine, Kernel
from moorage_runtime.tensors import Array, TensorSpec, zeros

Answer = Callable[[Mapping[str, Array]], dict[str, Array]]


class Fake:
    """An engine that answers as told; its clock moves by `cost(rows)` with every run."""

    platform = "fake"
    kernel = Kernel("fake")

    def __init__(self, answer: Answer, cost: Callable[[int], float] = lambda rows: 1e-5, kind: str = "FP32") -> None:
        self.optional: Mapping[str, TensorSpec] = {}
        self.inputs: Mapping[str, TensorSpec] = {"x": TensorSpec("x", kind, (-1, 2))}
        self.outputs: Mapping[str, TensorSpec] = {"y": TensorSpec("y", kind, (-1, 2))}
        self.asked: list[int] = []
        self.closed = False
        self.now = 0.0
        self._answer = answer
        self._cost = cost

    def infer(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None, cancel: Cancel | None = None
    ) -> dict[str, Array]:
        rows = inputs["x"].shape[0]
        self.asked.append(rows)
        self.now += self._cost(rows)
        return self._answer(inputs)

    def close(self) -> None:
        self.closed = True

    def clock(self) -> float:
        return self.now


def same(inputs: Mapping[str, Array]) -> dict[str, Array]:
    return {"y": inputs["x"]}


def rehearse(fake: Fake, inputs: Mapping[str, Array] | None = None) -> rehearsal.Rehearsal:
    return rehearsal.rehearse(fake, inputs or {"x": zeros(fake.inputs["x"])}, fake.clock)


@pytest.mark.parametrize("kind", ["FP32", "FP16", "BF16", "INT8", "UINT64", "BOOL", "BYTES"])
def test_rows_that_are_answered_each_for_itself_may_run_together(kind: str) -> None:
    assert rehearse(Fake(same, kind=kind)).batchable


@pytest.mark.parametrize(
    "answer",
    [
        lambda inputs: {"y": inputs["x"] - inputs["x"].mean(axis=0)},
        lambda inputs: {"y": np.cumsum(inputs["x"], axis=0)},
        lambda inputs: {"y": inputs["x"][::-1]},
        lambda inputs: {"y": inputs["x"][:1]},
        lambda inputs: {"y": inputs["x"][:2]},
        lambda inputs: {"y": np.repeat(inputs["x"], 2, axis=0)},
        lambda inputs: {"y": inputs["x"].sum(axis=0)},
        lambda inputs: {"y": inputs["x"] * len(inputs["x"])},
        lambda inputs: {"y": np.random.default_rng().random(inputs["x"].shape)},
    ],
)
def test_rows_that_mix_may_not(answer: Answer) -> None:
    found = rehearse(Fake(answer))
    assert not found.batchable
    assert found.seconds_by_rows[0][0] == 1


def test_the_examples_own_second_row_is_used() -> None:
    seen: list[Any] = []

    def answer(inputs: Mapping[str, Array]) -> dict[str, Array]:
        seen.append(inputs["x"].tolist())
        return same(inputs)

    rehearse(Fake(answer), {"x": np.array([[1, 2], [1, 2], [3, 4]], np.float32)})
    assert [[1, 2], [3, 4]] * 4 in seen
    assert [[3, 4]] in seen


def test_large_rows_are_asked_for_in_twos() -> None:
    fake = Fake(same)
    found = rehearse(fake, {"x": np.ones((1, 1 << 16), np.float32)})
    assert (found.batchable, max(fake.asked)) == (True, 2)
    assert [rows for rows, _ in found.seconds_by_rows] == [1, 2]


def test_a_model_that_refuses_a_second_row_is_only_timed() -> None:
    def answer(inputs: Mapping[str, Array]) -> dict[str, Array]:
        if inputs["x"].any():
            raise ValueError
        return same(inputs)

    found = rehearse(Fake(answer))
    assert (found.batchable, [rows for rows, _ in found.seconds_by_rows]) == (False, [1])


def test_rows_cost_what_they_cost() -> None:
    fake = Fake(same, cost=lambda rows: 1e-5 + rows * 1e-6)
    assert [(rows, round(seconds * 1e6)) for rows, seconds in rehearse(fake).seconds_by_rows] == [(1, 11), (8, 18)]


@pytest.mark.parametrize(("cost", "most"), [(1e-5, 11), (0.004, 8), (0.04, 3), (0.06, 1)])
def test_the_slower_the_model_the_less_it_is_asked(cost: float, most: int) -> None:
    fake = Fake(same, cost=lambda rows: cost)
    rehearse(fake)
    assert len(fake.asked) <= most


@pytest.mark.parametrize(("cost", "asked"), [(0.051, 2), (0.06, 2), (0.2, 1), (5.0, 1)])
def test_a_slow_model_is_tried_no_more_often_than_it_must(cost: float, asked: int) -> None:
    fake = Fake(same, cost=lambda rows: cost)
    verdict = trial.run(asking(fake), fake, fake.clock)
    assert verdict.seconds == pytest.approx(cost)
    assert len(fake.asked) == asked
    assert verdict.seconds_by_rows == ((1, verdict.seconds),)


def asking(fake: Engine) -> trial.Trial:
    return trial.Trial(source="zeros", inputs={name: zeros(spec) for name, spec in fake.inputs.items()})


@pytest.mark.parametrize(
    ("costs", "threads", "loaded", "kept"),
    [
        ({1: 1e-5, 4: 1e-5}, (1, 4), [1], 1),
        ({1: 1e-2, 4: 1e-3}, (1, 4), [1, 4], 4),
        ({1: 1e-3, 4: 2e-3}, (1, 4), [1, 4], 1),
        ({1: 1e-2}, (1,), [1], 1),
        ({4: 1e-2}, (4,), [4], 4),
    ],
)
def test_threads_are_used_only_where_they_pay(
    costs: Mapping[int, float], threads: tuple[int, ...], loaded: list[int], kept: int
) -> None:
    made: dict[int, Fake] = {}

    def load(count: int) -> Fake:
        made[count] = Fake(same, cost=lambda rows: costs[count])
        return made[count]

    found, verdict = trial.fit(load, threads, asking, lambda: sum(fake.now for fake in made.values()))
    assert list(made) == loaded
    assert found is made[kept]
    assert verdict.seconds == pytest.approx(costs[kept])
    assert {count for count, fake in made.items() if not fake.closed} == {kept}


def test_real_models_may_run_together_and_load_quickly(artifacts: Path) -> None:
    for name in ("boosting/model.onnx", "logistic/any name.onnx", "words/model.onnx"):
        loaded = engine.load(artifacts / name, 1)
        began = time.perf_counter()
        verdict = trial.run(asking(loaded), loaded, time.perf_counter)
        assert time.perf_counter() - began < 0.3
        assert verdict.batchable, name
        (one, alone), (eight, together) = verdict.seconds_by_rows
        assert (one, eight) == (1, 8)
        assert 0 < alone < 0.01
        assert together < 8 * alone


def test_a_real_model_that_normalises_over_the_batch_may_not(tmp_path: Path) -> None:
    nodes = [node("ReduceMean", ["x", "axes"], ["m"]), node("Sub", ["x", "m"], ["y"])]
    path = save(tmp_path, nodes, [tensor("x")], [tensor("y")], [weight("axes", np.array([0]))])
    loaded = engine.load(path, 1)
    assert not trial.run(asking(loaded), loaded, time.perf_counter).batchable


def test_a_fixed_first_axis_is_not_taken_for_rows(tmp_path: Path) -> None:
    path = save(tmp_path, [node("Neg", ["x"], ["y"])], [tensor("x", shape=[3, 2])], [tensor("y", shape=[3, 2])])
    loaded = engine.load(path, 1)
    verdict = trial.run(asking(loaded), loaded, time.perf_counter)
    assert (verdict.batchable, verdict.rows) == (False, 3)
    assert verdict.seconds_by_rows == ((3, verdict.seconds),)


def test_an_output_of_open_rank_gets_the_rank_it_has(tmp_path: Path) -> None:
    path = save(
        tmp_path,
        [node("Reshape", ["x", "s"], ["y"])],
        [tensor("x"), tensor("s", INT64, ["r"])],
        [tensor("y", shape=None)],
    )
    loaded = engine.load(path, 1)
    assert loaded.outputs["y"].shape == ()
    asked = trial.Trial(source="inputExample", inputs={"x": np.ones((1, 2), np.float32), "s": np.array([1, 1, 2])})
    trial.run(asked, loaded, time.perf_counter)
    assert loaded.outputs["y"] == TensorSpec("y", "FP32", (-1, -1, -1))


def test_text_is_left_alone_where_numbers_can_be_moved(artifacts: Path) -> None:
    loaded = engine.load(artifacts / "words" / "model.onnx", 1)
    second = rehearsal._second({"text": np.array(["red"], object), "number": np.array([[4.0]])})
    assert (second["text"].tolist(), second["number"].tolist()) == (["red"], [[5.0]])
    assert rehearsal._second({"text": np.array(["red"], object)})["text"].tolist() == ["reda"]
    assert rehearsal.takes_rows(loaded)


def test_text_alone_may_run_together(tmp_path: Path) -> None:
    loaded = engine.load(save(tmp_path, [node("Identity", ["t"], ["u"])], [tensor("t", TEXT)], [tensor("u", TEXT)]), 1)
    assert trial.run(asking(loaded), loaded, time.perf_counter).batchable


def test_a_models_own_rows_decide(artifacts: Path) -> None:
    loaded = engine.load(artifacts / "boosting" / "model.onnx", 1)
    asked = trial.Trial(source="inputExample", inputs={"X": models.rows(2)})
    assert trial.run(asked, loaded, time.perf_counter).batchable
