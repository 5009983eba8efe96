"""What we write, google.protobuf reads; where it has one way to write something, it is ours."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.runtime.grpc import messages
from tests.unit.runtime.grpc.test_grpc_request import DATATYPES, TYPED, packed, tensors_of

from moorage_runtime.codecs import grpc_answer, grpc_documents
from moorage_runtime.codecs.grpc_documents import Health
from moorage_runtime.tensors import TensorSpec


def answer(content: bytes) -> Any:
    """The answer, and a check that google.protobuf would have written the same bytes."""
    read = messages.read("ModelInferResponse", content)
    assert read.SerializeToString(deterministic=True) == content
    return read


@pytest.mark.parametrize("datatype", DATATYPES)
@settings(max_examples=50)
@given(data=st.data(), request_id=st.text(max_size=5))
def test_raw_answers(datatype: str, data: st.DataObject, request_id: str) -> None:
    array = data.draw(tensors_of(datatype))
    answers = grpc_answer.Answers("fraud", "3")
    for _ in range(2):
        read = answer(answers.raw(request_id, {"y": array, "z": array}))
        assert (read.model_name, read.model_version, read.id) == ("fraud", "3", request_id)
        assert [(each.name, each.datatype, tuple(each.shape)) for each in read.outputs] == [
            (name, datatype, array.shape) for name in "yz"
        ]
        assert list(read.raw_output_contents) == [packed(array)] * 2


@pytest.mark.parametrize("datatype", TYPED)
@settings(max_examples=50)
@given(data=st.data())
def test_typed_answers(datatype: str, data: st.DataObject) -> None:
    array = data.draw(tensors_of(datatype))
    content = grpc_answer.Answers("fraud", "3").typed("", {"y": array})
    read = messages.read("ModelInferResponse", content)
    assert not read.raw_output_contents
    found = getattr(read.outputs[0].contents, TYPED[datatype])
    items = [item.encode() for item in array.ravel()] if datatype == "BYTES" else array.ravel().tolist()
    np.testing.assert_array_equal(list(found), items)


def test_what_cannot_be_typed_goes_raw_with_all_beside_it() -> None:
    half, whole = np.ones(2, ml_dtypes.bfloat16), np.ones(1, np.float32)
    read = answer(grpc_answer.Answers("fraud", "3").typed("", {"half": half, "whole": whole}))
    assert list(read.raw_output_contents) == [half.tobytes(), whole.tobytes()]
    assert not read.outputs[1].HasField("contents")


def test_arrays_in_another_order_are_written_row_by_row() -> None:
    array = np.asfortranarray(np.arange(6, dtype=np.int64).reshape(2, 3))
    answers = grpc_answer.Answers("fraud", "3")
    assert answer(answers.raw("", {"y": array})).raw_output_contents[0] == np.arange(6, dtype=np.int64).tobytes()
    typed = messages.read("ModelInferResponse", answers.typed("", {"y": array}))
    assert list(typed.outputs[0].contents.int64_contents) == list(range(6))


def test_text_of_other_kinds() -> None:
    for array in (np.array(["ä"]), np.array([b"\xc3\xa4"]), np.array([b"\xc3\xa4"], np.object_)):
        read = answer(grpc_answer.Answers("fraud", "3").raw("", {"y": array}))
        assert (read.outputs[0].datatype, read.raw_output_contents[0]) == ("BYTES", b"\x02\x00\x00\x00\xc3\xa4")


def test_what_is_remembered_of_shapes_is_bounded() -> None:
    answers = grpc_answer.Answers("fraud", "3")
    for rows in range(1000):
        read = answer(answers.raw("", {"y": np.zeros(rows, np.float32)}))
        assert tuple(read.outputs[0].shape) == (rows,)
    assert len(answers._forms) <= 256


def test_the_end_of_an_answer_is_told_when_asked_for() -> None:
    read = answer(grpc_answer.Answers("fraud", "3").raw("", {}, final=True))
    assert read.parameters["triton_final_response"].bool_param is True


def test_streams() -> None:
    content = grpc_answer.Answers("fraud", "3").raw("a", {"y": np.zeros(1, np.float32)})
    part = messages.read("ModelStreamInferResponse", grpc_answer.streamed(content))
    assert (part.error_message, part.infer_response) == ("", messages.read("ModelInferResponse", content))
    part = messages.read("ModelStreamInferResponse", grpc_answer.refused("a", "no"))
    assert (part.error_message, part.infer_response.id, part.infer_response.model_name) == ("no", "a", "")


def test_documents() -> None:
    assert messages.read("ServerReadyResponse", grpc_documents.yes_or_no(True)).ready
    assert not messages.read("ServerReadyResponse", grpc_documents.yes_or_no(False)).ready
    server = messages.read("ServerMetadataResponse", grpc_documents.server_metadata("moorage", "2", ("a", "b")))
    assert server == messages.make("ServerMetadataResponse", name="moorage", version="2", extensions=["a", "b"])
    model = grpc_documents.model_metadata(
        "fraud", ("3",), "onnx", [TensorSpec("x", "FP32", (-1, 30))], [TensorSpec("y", "INT64", ())]
    )
    assert messages.read("ModelMetadataResponse", model) == messages.make(
        "ModelMetadataResponse",
        name="fraud",
        versions=["3"],
        platform="onnx",
        inputs=[{"name": "x", "datatype": "FP32", "shape": [-1, 30]}],
        outputs=[{"name": "y", "datatype": "INT64"}],
    )


@given(st.text(max_size=10), st.text(max_size=10))
def test_names_and_versions(name: str, version: str) -> None:
    content = messages.make("ModelReadyRequest", name=name, version=version).SerializeToString()
    assert grpc_documents.read_name_and_version(content) == (name, version or None)


def test_health() -> None:
    from grpc_health.v1 import health_pb2 as theirs

    for status in Health:
        assert theirs.HealthCheckResponse.FromString(grpc_documents.health(status)).status == status
    asked = theirs.HealthCheckRequest(service="ä").SerializeToString()
    assert grpc_documents.read_service(asked) == "ä"
