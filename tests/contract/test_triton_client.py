"""NVIDIA's HTTP client, JSON tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod

triton = pytest.importorskip("tritonclient.http")


@pytest.fixture(scope="module")
def client(serving: Pod) -> Iterator[Any]:
    made = triton.InferenceServerClient(f"127.0.0.1:{serving.port}")
    yield made
    made.close()


def asked(count: int) -> Any:
    tensor = triton.InferInput("X", [count, 30], "FP32")
    tensor.set_data_from_numpy(models.rows(count), binary_data=False)
    return tensor


def test_health_and_metadata(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("fraud")
    assert client.is_model_ready("fraud", "3")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["name"] == "moorage"
    assert client.get_model_metadata("fraud", "3")["inputs"][0]["shape"] == [-1, 30]


@pytest.mark.parametrize("count", [1, 7])
def test_answers_are_those_of_the_model(client: Any, serving: Pod, count: int) -> None:
    model = serving.models / "artifact" / "model.onnx"
    label, probabilities = ort.InferenceSession(str(model)).run(None, {"X": models.rows(count)})
    result = client.infer("fraud", [asked(count)], request_id="r-1")
    np.testing.assert_array_equal(result.as_numpy("label"), label)
    np.testing.assert_array_equal(result.as_numpy("probabilities"), probabilities)
    assert result.get_response()["id"] == "r-1"
    assert result.get_response()["model_version"] == "3"


def test_outputs_may_be_named(client: Any) -> None:
    wanted = [triton.InferRequestedOutput("label", binary_data=False)]
    result = client.infer("fraud", [asked(1)], model_version="3", outputs=wanted)
    assert result.as_numpy("label").shape == (1,)
    assert result.as_numpy("probabilities") is None


def test_errors_reach_the_caller_with_their_words(client: Any) -> None:
    wrong = triton.InferInput("X", [1, 2], "FP32")
    wrong.set_data_from_numpy(np.zeros((1, 2), np.float32), binary_data=False)
    with pytest.raises(triton.InferenceServerException, match=r"inputs\[0\].shape: \[1, 2\] is sent"):
        client.infer("fraud", [wrong])
    with pytest.raises(triton.InferenceServerException, match="only the model 'fraud'"):
        client.infer("other", [asked(1)])


def test_binary_tensors_are_refused_in_clear_words(client: Any) -> None:
    tensor = triton.InferInput("X", [1, 30], "FP32")
    tensor.set_data_from_numpy(models.rows(1), binary_data=True)
    with pytest.raises(triton.InferenceServerException, match="binary tensors are not supported here"):
        client.infer("fraud", [tensor])


def test_text_and_doubles(texts: Pod) -> None:
    with triton.InferenceServerClient(f"127.0.0.1:{texts.port}") as client:
        text = triton.InferInput("text", [2], "BYTES")
        text.set_data_from_numpy(np.array(["ä", "b c"], object), binary_data=False)
        number = triton.InferInput("number", [2, 1], "FP64")
        number.set_data_from_numpy(np.array([[4.0], [-1.0]]), binary_data=False)
        result = client.infer("fraud", [text, number])
    assert [item if isinstance(item, str) else item.decode() for item in result.as_numpy("echo")] == ["ä", "b c"]
    np.testing.assert_array_equal(result.as_numpy("root"), [[2.0], [np.nan]])
