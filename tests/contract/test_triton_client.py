"""NVIDIA's HTTP client: JSON and binary tensors of every datatype."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from tests.unit.runtime import identities, models
from tests.unit.runtime.pod import Pod

triton: Any = importlib.import_module("tritonclient.http")
FORMS = [(False, False), (True, False), (False, True), (True, True)]


@pytest.fixture(scope="module")
def client(serving: Pod) -> Iterator[Any]:
    made = triton.InferenceServerClient(f"127.0.0.1:{serving.port}")
    yield made
    made.close()


def asked(count: int, *, binary: bool = False) -> Any:
    tensor = triton.InferInput("X", [count, 30], "FP32")
    tensor.set_data_from_numpy(models.rows(count), binary_data=binary)
    return tensor


def test_health_and_metadata(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("fraud")
    assert client.is_model_ready("fraud", "3")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["name"] == "moorage"
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_metadata("fraud", "3")["inputs"][0]["shape"] == [-1, 30]


@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.parametrize(("binary_in", "binary_out"), FORMS)
def test_answers_are_those_of_the_model(
    client: Any, serving: Pod, count: int, binary_in: bool, binary_out: bool
) -> None:
    model = serving.models / "artifact" / "model.onnx"
    label, probabilities = ort.InferenceSession(str(model)).run(None, {"X": models.rows(count)})
    names = ("label", "probabilities")
    wanted = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in names]
    result = client.infer("fraud", [asked(count, binary=binary_in)], request_id="r-1", outputs=wanted)
    np.testing.assert_array_equal(result.as_numpy("label"), label)
    np.testing.assert_array_equal(result.as_numpy("probabilities"), probabilities)
    assert result.get_response()["id"] == "r-1"
    assert result.get_response()["model_version"] == "3"


def test_without_named_outputs_all_come_binary(client: Any) -> None:
    answer = client.infer("fraud", [asked(2, binary=True)])
    assert [output["parameters"] for output in answer.get_response()["outputs"]] == [
        {"binary_data_size": 16},
        {"binary_data_size": 16},
    ]


def test_outputs_may_be_named(client: Any) -> None:
    wanted = [triton.InferRequestedOutput("label", binary_data=False)]
    result = client.infer("fraud", [asked(1)], model_version="3", outputs=wanted)
    assert result.as_numpy("label").shape == (1,)
    assert result.as_numpy("probabilities") is None


def echo_inputs(datatypes: Sequence[str], rows: int, binary: Callable[[str], bool]) -> list[Any]:
    inputs = []
    for datatype in datatypes:
        tensor = triton.InferInput(f"in_{datatype}", [rows, 2], datatype)
        tensor.set_data_from_numpy(identities.values(datatype, rows), binary_data=binary(datatype))
        inputs.append(tensor)
    return inputs


def assert_echoed(pod: Pod, datatypes: Sequence[str], rows: int, binary: Callable[[str], bool]) -> None:
    wanted = [triton.InferRequestedOutput(f"out_{name}", binary_data=binary(name)) for name in datatypes]
    with triton.InferenceServerClient(f"127.0.0.1:{pod.port}") as client:
        result = client.infer("fraud", echo_inputs(datatypes, rows, binary), outputs=wanted)
    for datatype in datatypes:
        found, sent = result.as_numpy(f"out_{datatype}"), identities.values(datatype, rows)
        assert found.shape == sent.shape
        if datatype == "BYTES":
            texts = [item if isinstance(item, str) else item.decode() for item in found.ravel()]
            assert texts == sent.ravel().tolist()
        else:
            np.testing.assert_array_equal(found, sent.astype(found.dtype))


def no_json(datatype: str) -> bool:
    """This client sends and reads neither of them as JSON."""
    return datatype in ("FP16", "BF16")


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("binary", [lambda _: True, lambda name: no_json(name) or "INT" in name, no_json])
def test_every_datatype_comes_back_as_it_went(echo: Pod, rows: int, binary: Callable[[str], bool]) -> None:
    assert_echoed(echo, identities.NUMPY, rows, binary)


def test_bf16_comes_back_as_it_went(echo_numbers: Pod) -> None:
    assert_echoed(echo_numbers, identities.NUMBERS, 3, no_json)


def test_a_large_binary_tensor_goes_both_ways(texts: Pod) -> None:
    rows = 200_000
    with triton.InferenceServerClient(f"127.0.0.1:{texts.port}") as client:
        number = triton.InferInput("number", [rows, 1], "FP64")
        number.set_data_from_numpy(np.arange(rows, dtype=np.float64).reshape(rows, 1))
        text = triton.InferInput("text", [2], "BYTES")
        text.set_data_from_numpy(np.array([b"a\0b", b""], object))
        result = client.infer("fraud", [text, number])
    np.testing.assert_array_equal(result.as_numpy("root").ravel(), np.sqrt(np.arange(rows)))
    assert result.as_numpy("echo").tolist() == [b"a\0b", b""]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_request_is_read(client: Any, coding: str) -> None:
    result = client.infer("fraud", [asked(3, binary=True)], request_compression_algorithm=coding)
    assert result.as_numpy("label").shape == (3,)


def test_a_timeout_is_told_in_the_request(client: Any) -> None:
    assert client.infer("fraud", [asked(1)], timeout=5_000_000).as_numpy("label").shape == (1,)
    with pytest.raises(triton.InferenceServerException) as caught:
        client.infer("fraud", [asked(1)], timeout=1)
    assert caught.value.status() == "504"


def test_errors_reach_the_caller_with_their_words(client: Any) -> None:
    wrong = triton.InferInput("X", [1, 2], "FP32")
    wrong.set_data_from_numpy(np.zeros((1, 2), np.float32), binary_data=False)
    with pytest.raises(triton.InferenceServerException, match=r"inputs\[0\].shape: \[1, 2\] is sent"):
        client.infer("fraud", [wrong])
    with pytest.raises(triton.InferenceServerException, match="only the model 'fraud'"):
        client.infer("other", [asked(1)])
    with pytest.raises(triton.InferenceServerException, match="classification: is not supported"):
        client.infer("fraud", [asked(1)], outputs=[triton.InferRequestedOutput("label", class_count=2)])


def test_shared_memory_is_refused(client: Any) -> None:
    tensor = triton.InferInput("X", [1, 30], "FP32")
    tensor.set_shared_memory("region", 120)
    with pytest.raises(triton.InferenceServerException, match="shared memory is not supported, send the data"):
        client.infer("fraud", [tensor])


def test_text_and_doubles(texts: Pod) -> None:
    with triton.InferenceServerClient(f"127.0.0.1:{texts.port}") as client:
        text = triton.InferInput("text", [2], "BYTES")
        text.set_data_from_numpy(np.array(["\u00e4", "b c"], object), binary_data=False)
        number = triton.InferInput("number", [2, 1], "FP64")
        number.set_data_from_numpy(np.array([[4.0], [-1.0]]), binary_data=False)
        result = client.infer("fraud", [text, number])
    assert [item if isinstance(item, str) else item.decode() for item in result.as_numpy("echo")] == ["\u00e4", "b c"]
    np.testing.assert_array_equal(result.as_numpy("root"), [[2.0], [np.nan]])
