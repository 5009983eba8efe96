"""Loading and the test inference: which question a model is asked, what a wrong answer leads to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.unit.runtime import graphs, models
from tests.unit.runtime.pod import Pod

from moorage_runtime import examples, trial
from moorage_runtime.config import TestRequest as Asked
from moorage_runtime.engines import cpus
from moorage_runtime.engines import onnx as engine
from moorage_runtime.engines.engine import Cancel
from moorage_runtime.errors import LoadFault
from moorage_runtime.tensors import TensorSpec, difference

PROBE = {"name": "X", "shape": [1, 30], "datatype": "FP32", "data": models.rows(1)[0].tolist()}


def test_maps_of_probabilities_become_a_tensor(artifacts: Path) -> None:
    loaded = engine.load(artifacts / "logistic" / "any name.onnx", 1)
    answer = loaded.infer({"X": models.rows(5)})
    assert loaded.outputs["output_probability"] == TensorSpec("output_probability", "FP32", (-1, -1))
    assert answer["output_probability"].shape == (5, 2)
    assert answer["output_probability"].dtype == np.float32
    np.testing.assert_allclose(answer["output_probability"].sum(axis=1), 1, rtol=1e-5)
    assert loaded.infer({"X": models.rows(2)}, ["output_label"]).keys() == {"output_label"}


def test_text_goes_in_and_out(artifacts: Path) -> None:
    loaded = engine.load(artifacts / "words" / "model.onnx", 1)
    answer = loaded.infer({"text": np.array(["ä", ""], object), "number": np.array([[4.0], [9.0]])})
    assert answer["echo"].tolist() == ["ä", ""]
    assert answer["root"].tolist() == [[2.0], [3.0]]


def test_a_run_that_is_given_up_ends(artifacts: Path) -> None:
    loaded = engine.load(artifacts / "slow" / "model.onnx", 1)
    cancel, rows = Cancel(), np.ones((4096, 512), np.float32)
    began = time.perf_counter()
    with ThreadPoolExecutor(1) as worker:
        run = worker.submit(loaded.infer, {"x": rows}, None, cancel)
        time.sleep(0.1)
        cancel()
        assert "terminate" in str(run.exception(10))
    ended = time.perf_counter() - began
    began = time.perf_counter()
    loaded.infer({"x": rows})
    assert ended < 0.1 + (time.perf_counter() - began) / 2


def test_weights_beside_the_model_load_and_those_outside_do_not(tmp_path: Path) -> None:
    weight = onnx.numpy_helper.from_array(np.ones((2048, 2), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2048])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])],
        [weight],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (tmp_path / "in").mkdir()
    onnx.save(made, str(tmp_path / "in" / "model.onnx"), save_as_external_data=True, location="weights")
    assert engine.load(tmp_path / "in" / "model.onnx", 1).inputs.keys() == {"x"}
    (tmp_path / "in" / "weights").rename(tmp_path / "weights")
    outside = onnx.load(str(tmp_path / "in" / "model.onnx"), load_external_data=False)
    outside.graph.initializer[0].external_data[0].value = "../weights"
    (tmp_path / "in" / "model.onnx").write_bytes(outside.SerializeToString())
    with pytest.raises(LoadFault) as caught:
        engine.load(tmp_path / "in" / "model.onnx", 1)
    assert caught.value.reason == "ModelLoadFailed"
    assert str(tmp_path) not in caught.value.message
    inside = onnx.load(str(tmp_path / "in" / "model.onnx"), load_external_data=False)
    inside.graph.initializer[0].external_data[0].value = "linked"
    (tmp_path / "in" / "model.onnx").write_bytes(inside.SerializeToString())
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "weights")
    with pytest.raises(LoadFault, match="escapes model directory") as linked:
        engine.load(tmp_path / "in" / "model.onnx", 1)
    assert str(tmp_path) not in linked.value.message


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "150000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ({"cpu.max": "max 100000"}, 4),
        ({}, 4),
    ],
)
def test_threads_follow_the_cpu_limit_of_the_pod(
    files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)))
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert cpus.threads(tmp_path) == expected


ONE = {"x": TensorSpec("x", "FP32", (-1, 2))}
TWO = {"a": TensorSpec("a", "FP32", (-1, 1)), "b": TensorSpec("b", "BYTES", (-1,))}


@pytest.mark.parametrize(
    ("document", "specs", "found"),
    [
        ({"columns": ["p", "q"], "data": [[1, 2], [3, 4]]}, ONE, {"x": [[1, 2], [3, 4]]}),
        ({"dataframe_split": {"columns": ["p", "q"], "data": [[1, 2]]}}, ONE, {"x": [[1, 2]]}),
        ({"inputs": [[1, 2]]}, ONE, {"x": [[1, 2]]}),
        ([[1, 2]], ONE, {"x": [[1, 2]]}),
        ({"x": [[1, 2]]}, ONE, {"x": [[1, 2]]}),
        ({"inputs": {"a": [1], "b": ["u"]}}, TWO, {"a": [[1]], "b": ["u"]}),
        ({"columns": ["b", "c", "a"], "data": [["u", 0, 5]]}, TWO, {"a": [[5]], "b": ["u"]}),
        ({"columns": ["p", "q", "r"], "data": [[1, 2, 3]]}, ONE, None),
        ({"columns": ["a"], "data": [[1]]}, TWO, None),
        ({"y": [[1, 2]]}, ONE, None),
        ("text", TWO, None),
    ],
)
def test_an_mlflow_example_becomes_the_models_inputs(document: Any, specs: Any, found: Any) -> None:
    mapped = examples.tensors(document, specs)
    assert (mapped and {name: array.tolist() for name, array in mapped.items()}) == found


@pytest.mark.parametrize(
    ("got", "wanted", "said"),
    [
        ([1.0, 2.0], [1.0, 2.00001], None),
        ([1.0, float("nan")], [1.0, float("nan")], None),
        ([1e6], [1e6 + 50], None),
        ([1.0, 2.0], [1.0, 2.1], "[1]: expected 2.1 within 0.0001, got 2.0"),
        ([1.0], [1.0, 2.0], ": expected shape [2], got [1]"),
        ([1, 2], [1, 3], "[1]: expected 3, got 2"),
        (["a"], ["b"], "[0]: expected b, got a"),
        ([True], [False], "[0]: expected False, got True"),
    ],
)
def test_answers_are_compared_within_the_tolerance(got: Any, wanted: Any, said: str | None) -> None:
    kind = object if isinstance(got[0], str) else None
    assert difference(np.array(got, kind), np.array(wanted, kind), 1e-4) == said


@pytest.mark.parametrize("data", [[0.02, 0.98], [[0.02, 0.98]]])
def test_an_expected_output_needs_neither_shape_nor_datatype(data: Any, artifacts: Path) -> None:
    loaded = engine.load(artifacts / "boosting" / "model.onnx", 1)
    asked = Asked(inputs=[PROBE], expect=[{"name": "probabilities", "data": data}], tolerance=0.0)
    chosen = trial.choose(asked, None, None, loaded)
    assert chosen.expect is not None
    assert chosen.expect["probabilities"].tolist() == np.array([[0.02, 0.98]], np.float32).tolist()
    with pytest.raises(LoadFault, match="output 'probabilities'"):
        trial.run(chosen, loaded, lambda: 0.0)


@pytest.mark.parametrize(
    ("asked", "reason", "message"),
    [
        (Asked(inputs=[PROBE | {"datatype": "FP64"}]), "TestRequestInvalid", "inputs[0].datatype: 'FP64' is sent"),
        (Asked(inputs=[PROBE | {"extra": 1, "shape": [2, 30]}]), "TestRequestInvalid", "30 elements"),
        (
            Asked(inputs=[PROBE], expect=[{"name": "nope", "shape": [1], "datatype": "INT64", "data": [0]}]),
            "TestRequestInvalid",
            "expect[0].name: the model has no output 'nope'",
        ),
        (
            Asked(inputs=[PROBE], expect=[{"name": "label", "shape": [1], "datatype": "INT64", "data": [1]}]),
            "TestRequestFailed",
            "output 'label'[0]: expected 1, got 0",
        ),
    ],
)
def test_a_test_request_that_fails_says_why(asked: Asked, reason: str, message: str, artifacts: Path) -> None:
    loaded = engine.load(artifacts / "boosting" / "model.onnx", 1)
    with pytest.raises(LoadFault) as caught:
        trial.run(trial.choose(asked, None, None, loaded), loaded, lambda: 0.0)
    assert caught.value.reason == reason
    assert message in caught.value.message


def test_the_models_own_example_is_asked_and_zeros_only_without_one(
    artifacts: Path, serving: Pod, pod: Callable[..., Pod]
) -> None:
    assert json.loads(serving.admin("/state")[1])["testInference"]["source"] == "inputExample"
    bare = pod(f"file://{artifacts / 'logistic'}")
    assert bare.download().returncode == 0
    bare.serve()
    assert json.loads(bare.admin("/state")[1])["testInference"]["source"] == "zeros"
    assert bare.end() == 0


def test_a_wrong_answer_ends_the_container_with_a_report(artifacts: Path, pod: Callable[..., Pod]) -> None:
    wrong = {"name": "label", "shape": [1], "datatype": "INT64", "data": [1]}
    asked = pod(f"file://{artifacts / 'boosting'}", testRequest={"inputs": [PROBE], "expect": [wrong]})
    assert asked.download().returncode == 0
    with pytest.raises(AssertionError):
        asked.serve()
    assert asked.process
    assert asked.process.wait(5) == 4
    assert asked.termination() == {"reason": "TestRequestFailed", "message": "output 'label'[0]: expected 1, got 0"}


def test_a_model_that_does_not_load_ends_the_container_with_a_report(tmp_path: Path, pod: Callable[..., Pod]) -> None:
    graphs.save(tmp_path / "claim", [graphs.node("NoSuchOperator", ["x"], ["y"])], [graphs.tensor("x")], [])
    broken = pod(f"file://{tmp_path / 'claim'}")
    assert broken.download().returncode == 0
    with pytest.raises(AssertionError):
        broken.serve()
    assert broken.process
    assert broken.process.wait(5) == 4
    assert broken.termination()["reason"] == "ModelLoadFailed"
    assert str(broken.folder) not in broken.termination()["message"]
