"""`python triton_grpc_client.py HOST:PORT MODEL.onnx ROWS.npy SCENARIO...`: what NVIDIA's gRPC client gets, asserted.

Prints a JSON object: of each scenario that failed, how.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime as ort
import tritonclient.grpc as triton

Refused = triton.InferenceServerException
ADDRESS, MODEL, ROWS = sys.argv[1:4]


def rows(count: int) -> Any:
    return np.load(ROWS)[:count]


def answer(count: int) -> Any:
    return ort.InferenceSession(MODEL).run(None, {"X": rows(count)})


def asked(count: int) -> Any:
    tensor = triton.InferInput("X", [count, 30], "FP32")
    tensor.set_data_from_numpy(rows(count))
    return tensor


def right(result: Any, count: int) -> None:
    label, probabilities = answer(count)
    np.testing.assert_array_equal(result.as_numpy("label"), label)
    # Rows that ran together are summed in another order.
    np.testing.assert_allclose(result.as_numpy("probabilities"), probabilities, rtol=1e-5)


def refused(code: str, words: str, call: Callable[[], Any]) -> None:
    told = None
    try:
        call()
    except Refused as error:
        told = error
    assert told is not None, f"not refused with {code}"
    assert told.status() == f"StatusCode.{code}", told
    assert words in told.message(), told


def health_and_metadata(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("fraud")
    assert client.is_model_ready("fraud", "3")
    assert not client.is_model_ready("other")
    assert not client.is_model_ready("fraud", "4")
    assert client.get_server_metadata().name == "moorage"
    found = client.get_model_metadata("fraud", "3")
    assert (found.name, list(found.versions), found.platform) == ("fraud", ["3"], "onnxruntime_onnxv1")
    assert [(each.name, each.datatype, list(each.shape)) for each in found.inputs] == [("X", "FP32", [-1, 30])]
    refused("NOT_FOUND", "only the model 'fraud'", lambda: client.get_model_metadata("other"))


def answers(client: Any) -> None:
    for count in (1, 7, 1, 300):
        result = client.infer("fraud", [asked(count)], model_version="3", request_id="r-1")
        right(result, count)
        told = result.get_response()
        assert (told.model_name, told.model_version, told.id) == ("fraud", "3", "r-1")


def typed_and_compressed(client: Any) -> None:
    request = triton.service_pb2.ModelInferRequest(model_name="fraud")
    tensor = request.inputs.add(name="X", datatype="FP32", shape=[2, 30])
    tensor.contents.fp32_contents.extend(rows(2).ravel())
    told = client._client_stub.ModelInfer(request)
    assert not told.raw_output_contents
    label, probabilities = answer(2)
    assert list(told.outputs[0].contents.int64_contents) == label.tolist()
    np.testing.assert_allclose(told.outputs[1].contents.fp32_contents, probabilities.ravel(), rtol=1e-5)
    for coding in ("gzip", "deflate"):
        right(client.infer("fraud", [asked(64)], compression_algorithm=coding), 64)


def outputs(client: Any) -> None:
    result = client.infer("fraud", [asked(1)], outputs=[triton.InferRequestedOutput("label")])
    assert result.as_numpy("label").shape == (1,)
    assert result.as_numpy("probabilities") is None
    classes = [triton.InferRequestedOutput("probabilities", class_count=2)]
    refused("INVALID_ARGUMENT", "classification", lambda: client.infer("fraud", [asked(1)], outputs=classes))


def errors(client: Any) -> None:
    wrong = triton.InferInput("X", [1, 2], "FP32")
    wrong.set_data_from_numpy(np.zeros((1, 2), np.float32))
    refused("INVALID_ARGUMENT", "inputs[0].shape: [1, 2] is sent", lambda: client.infer("fraud", [wrong]))
    refused("NOT_FOUND", "only the model 'fraud'", lambda: client.infer("other", [asked(1)]))
    refused("NOT_FOUND", "only version '3'", lambda: client.infer("fraud", [asked(1)], model_version="4"))
    refused("INVALID_ARGUMENT", "inputs: 'X' is missing", lambda: client.infer("fraud", []))
    shared = triton.InferInput("X", [1, 30], "FP32")
    shared.set_shared_memory("region", 120)
    refused("INVALID_ARGUMENT", "shared memory is not supported", lambda: client.infer("fraud", [shared]))


def deadline(client: Any) -> None:
    right(client.infer("fraud", [asked(1)], client_timeout=5, timeout=2_000_000), 1)
    refused("DEADLINE_EXCEEDED", "", lambda: client.infer("fraud", [asked(1)], timeout=1))


def stream(client: Any) -> None:
    found: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: found.put((result, error)))
    counts = [1, 5, 1, 200, 2, 64] * 20
    for index, count in enumerate(counts):
        client.async_stream_infer("fraud", [asked(count)], request_id=str(index))
    for index, count in enumerate(counts):
        result, error = found.get(timeout=20)
        assert error is None, error
        assert result.get_response().id == str(index)
        if index < 6:
            right(result, count)
    client.async_stream_infer("fraud", [asked(1)], enable_empty_final_response=True)
    told = found.get(timeout=20)[0].get_response()
    assert told.parameters["triton_final_response"].bool_param
    client.stop_stream()


def stream_errors(client: Any) -> None:
    found: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: found.put((result, error)))
    client.async_stream_infer("other", [asked(1)], request_id="a")
    client.async_stream_infer("fraud", [asked(1)], request_id="b")
    error = found.get(timeout=20)[1]
    assert "only the model 'fraud'" in error.message()
    result, error = found.get(timeout=20)
    assert error is None
    assert result.get_response().id == "b"
    client.stop_stream()


def asynchronous(client: Any) -> None:
    done, found = threading.Event(), []

    def take(result: Any, error: Any) -> None:
        found.append((result, error))
        if len(found) == 50:
            done.set()

    for _ in range(50):
        client.async_infer("fraud", [asked(3)], take)
    assert done.wait(20)
    assert all(error is None for _, error in found)
    right(found[0][0], 3)


def repository_is_elsewhere(client: Any) -> None:
    for call in (
        client.get_model_repository_index,
        lambda: client.load_model("fraud"),
        lambda: client.unload_model("fraud"),
    ):
        refused("UNIMPLEMENTED", "admin port", call)
    refused("UNIMPLEMENTED", "", client.get_inference_statistics)


def readiness_of_many(client: Any) -> None:
    found = {name: client.is_model_ready(name) for name in ("bad", "fraud", "waiting", "nobody")}
    assert found == {"bad": False, "fraud": True, "waiting": False, "nobody": False}
    assert client.is_server_ready()
    refused("UNAVAILABLE", "ArtifactCorrupt", lambda: client.infer("bad", [asked(1)]))


def text_and_doubles(client: Any) -> None:
    text = triton.InferInput("text", [2], "BYTES")
    text.set_data_from_numpy(np.array(["ä", "b c"], object))
    number = triton.InferInput("number", [2, 1], "FP64")
    number.set_data_from_numpy(np.array([[4.0], [-1.0]]))
    for _ in range(2):
        result = client.infer("fraud", [text, number])
        assert [item.decode() for item in result.as_numpy("echo")] == ["ä", "b c"]
        np.testing.assert_array_equal(result.as_numpy("root"), [[2.0], [np.nan]])


def failures(scenarios: list[str]) -> dict[str, str]:
    found = {}
    with triton.InferenceServerClient(ADDRESS) as client:
        for scenario in scenarios:
            try:
                globals()[scenario](client)
            except Exception:
                found[scenario] = traceback.format_exc()
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(failures(sys.argv[4:])))
