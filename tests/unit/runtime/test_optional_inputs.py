"""Inputs with a default in the model's file: every door takes them, none needs them, and they never mix with others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import numpy as np
import pytest
from tests.unit.runtime import graphs
from tests.unit.runtime.grpc import messages
from tests.unit.runtime.plane_fakes import Desk, Told
from tests.unit.runtime.pod import Pod

INFER = "/v2/models/fraud/infer"
X = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 2.0]}
OPTIONAL = {"name": "factor", "shape": [1], "datatype": "FP32"}


@pytest.fixture(scope="module")
def scaling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """`y` is `x` times `factor`, which is 2 unless it is given."""
    folder = tmp_path_factory.mktemp("scaling")
    graphs.save(
        folder / "model",
        [graphs.node("Mul", ["x", "factor"], ["y"])],
        [graphs.tensor("x"), graphs.tensor("factor", shape=["k"])],
        [graphs.tensor("y")],
        [graphs.weight("factor", np.array([2], np.float32))],
    )
    pod = Pod(folder / "pod", f"file://{folder / 'model'}", {})
    assert pod.download().returncode == 0, pod.termination()
    pod.serve()
    yield pod
    pod.kill()


def factor(value: float) -> dict[str, Any]:
    return {**OPTIONAL, "data": [value]}


def test_v2_takes_it_and_does_not_need_it(scaling: Pod) -> None:
    for inputs, y in (([X], [2, 4]), ([X, factor(3)], [3, 6]), ([factor(0.5), X], [0.5, 1])):
        status, answer = scaling.infer({"inputs": inputs})
        assert (status, answer["outputs"][0]["data"]) == (200, y)
    for inputs, problem in (
        ([factor(3)], "inputs: 'x' is missing; the model takes 'x', 'factor'"),
        ([X, factor(3), factor(3)], "inputs[2].name: 'factor' is given twice"),
        ([X, {**factor(3), "shape": [1, 1]}], "inputs[1].shape: [1, 1] is sent, the model takes [-1]"),
        ([X, {**factor(3), "name": "more"}], "inputs[1].name: the model has no input 'more'; it takes 'x', 'factor'"),
    ):
        assert scaling.infer({"inputs": inputs}) == (400, {"error": problem})


def test_v2_takes_it_as_a_binary_tensor(scaling: Pod) -> None:
    def blob(tensor: dict[str, Any]) -> dict[str, Any]:
        size = 4 * len(tensor["data"])
        return {**tensor, "data": None, "parameters": {"binary_data_size": size}}

    told = [{key: value for key, value in blob(each).items() if value is not None} for each in (X, factor(3))]
    head = json.dumps({"inputs": told}).encode()
    body = head + np.array([1, 2, 3], np.float32).tobytes()
    status, _, answer = scaling.ask("POST", INFER, body, inference_header_content_length=str(len(head)))
    assert (status, json.loads(answer)["outputs"][0]["data"]) == (200, [3, 6])


def test_grpc_takes_it_and_does_not_need_it(scaling: Pod) -> None:
    import grpc

    with grpc.insecure_channel(f"127.0.0.1:{scaling.grpc_port}") as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        for given, y in (([X], [2, 4]), ([X, factor(3)], [3, 6])):
            tensors = [{**each, "data": None} for each in given]
            inputs = [{key: value for key, value in each.items() if value is not None} for each in tensors]
            raws = [np.array(each["data"], np.float32).tobytes() for each in given]
            asked = messages.make("ModelInferRequest", model_name="fraud", inputs=inputs, raw_input_contents=raws)
            told = messages.read("ModelInferResponse", infer(asked.SerializeToString(), timeout=10))
            assert np.frombuffer(told.raw_output_contents[0], np.float32).tolist() == y


def test_v1_takes_it_among_columns(scaling: Pod) -> None:
    def ask(body: dict[str, Any]) -> tuple[int, Any]:
        status, _, answer = scaling.ask("POST", "/v1/models/fraud:predict", json.dumps(body))
        return status, json.loads(answer)

    assert ask({"instances": [[1, 2]]}) == (200, {"predictions": [[2, 4]]})
    assert ask({"inputs": {"x": [[1, 2]]}}) == (200, {"outputs": [[2, 4]]})
    assert ask({"inputs": {"x": [[1, 2], [3, 4]], "factor": [10]}}) == (200, {"outputs": [[10, 20], [30, 40]]})
    status, answer = ask({"instances": [{"x": [1, 2], "factor": 3}]})
    told = "instances[0]: 'factor' is one for all rows; send columns, under \"inputs\", to give it"
    assert (status, answer) == (400, {"error": told})


def test_named_features_get_the_default(scaling: Pod) -> None:
    status, _, answer = scaling.ask("POST", "/v1/predict", json.dumps({"features": {"f0": 1, "f1": 2}}))
    assert (status, json.loads(answer)["prediction"]) == (200, [2, 4])


def test_the_model_says_what_it_needs_and_what_it_takes(scaling: Pod) -> None:
    told = json.loads(scaling.ask("GET", "/v2/models/fraud")[2])
    assert told["inputs"] == [
        {"name": "x", "datatype": "FP32", "shape": [-1, 2]},
        {**OPTIONAL, "shape": [-1], "parameters": {"optional": True}},
    ]
    document = json.loads(scaling.ask("GET", "/openapi.json")[2])
    for name, good, bad in (
        ("V2Request", [{"inputs": [X]}, {"inputs": [X, factor(3)]}], {"inputs": []}),
        ("V1Request", [{"inputs": {"x": [[1, 2]]}}, {"inputs": {"x": [[1, 2]], "factor": [3]}}], {"inputs": {}}),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        for each in good:
            jsonschema.validate(each, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


@pytest.mark.parametrize("cost", [1e-5, 0.01])
def test_who_gives_one_shares_no_run(cost: float) -> None:
    desk = Desk(cost, optional="factor")
    given = [None, 3.0, 5.0, None, 7.0, 3.0, None, 1.0]
    calls = [Told([[1, 2]], 10.0, desk.loop) for _ in given]
    for call, value in zip(calls, given, strict=True):
        if value is not None:
            call.inputs = {**call.inputs, "factor": np.array([value], np.float32)}
        desk.lane.submit(call, desk.meter.doors["v2"])
    desk.rest()
    assert [call.status for call in calls] == [200] * len(calls)
    assert sorted(desk.engine.runs, reverse=True)[:2] in ([3, 1], [2, 1])
    assert sum(desk.engine.runs) == len(calls)
