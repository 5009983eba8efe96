"""ModelInferRequest: what google.protobuf writes, we read; what does not fit is refused in clear words."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.unit.runtime.grpc import messages

from moorage_runtime.codecs import grpc_request
from moorage_runtime.codecs import grpc_wire as wire
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array, TensorSpec, dtype_of

TYPED = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
DATATYPES = [*TYPED, "FP16", "BF16"]
PLENTY = 1 << 24


def tensors_of(datatype: str) -> st.SearchStrategy[Array]:
    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
    if datatype == "BYTES":
        return hnp.arrays(np.object_, shapes, elements=st.text(max_size=300))
    if datatype == "BF16":
        return hnp.arrays(np.float32, shapes, elements=st.floats(-1e9, 1e9, width=32)).map(
            lambda array: array.astype(ml_dtypes.bfloat16)
        )
    return hnp.arrays(dtype_of(datatype), shapes)


def described(name: str, datatype: str, array: Array) -> Any:
    return {"name": name, "datatype": datatype, "shape": array.shape}


def packed(array: Array) -> bytes:
    """Raw bytes, as the protocol's text describes them."""
    if array.dtype == np.object_:
        return b"".join(np.uint32(len(item.encode())).tobytes() + item.encode() for item in array.ravel())
    return bytes(array.tobytes())


def request(**inputs: Array | tuple[str, Array]) -> Any:
    named = {name: given if isinstance(given, tuple) else ("FP32", given) for name, given in inputs.items()}
    return messages.make(
        "ModelInferRequest",
        model_name="fraud",
        inputs=[described(name, datatype, array) for name, (datatype, array) in named.items()],
        raw_input_contents=[packed(array) for _, array in named.values()],
    )


def decode(message: Any, **specs: TensorSpec) -> dict[str, Array]:
    content = message if isinstance(message, bytes) else message.SerializeToString()
    envelope = grpc_request.unpack(content)
    head = grpc_request.read_head(envelope.head)
    grpc_request.check(head, specs, {"y": TensorSpec("y", "FP32", (-1,))}, PLENTY)
    return grpc_request.tensors(content, envelope, head)


def spec_of(datatype: str, array: Array) -> TensorSpec:
    return TensorSpec("x", datatype, (-1,) * array.ndim)


def assert_same(found: Array, wanted: Array) -> None:
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("datatype", DATATYPES)
@settings(max_examples=50)
@given(data=st.data())
def test_raw_tensors(datatype: str, data: st.DataObject) -> None:
    array = data.draw(tensors_of(datatype))
    found = decode(request(x=(datatype, array)), x=spec_of(datatype, array))
    assert_same(found["x"], array)
    assert found["x"].flags.aligned


@pytest.mark.parametrize("datatype", TYPED)
@settings(max_examples=50)
@given(data=st.data())
def test_typed_tensors(datatype: str, data: st.DataObject) -> None:
    array = data.draw(tensors_of(datatype))
    items = array.ravel().tolist()
    contents = {TYPED[datatype]: [item.encode() for item in items] if datatype == "BYTES" else items}
    message = messages.make("ModelInferRequest", inputs=[described("x", datatype, array) | {"contents": contents}])
    assert_same(decode(message, x=spec_of(datatype, array))["x"], array)


def test_large_raw_numbers_are_not_copied() -> None:
    array = np.arange(150_000, dtype=np.float32)
    for padding in range(4):
        sent = request(x=array)
        sent.model_name = "f" * (padding + 1)
        content = sent.SerializeToString()
        envelope = grpc_request.unpack(content)
        found = grpc_request.tensors(content, envelope, grpc_request.read_head(envelope.head))["x"]
        assert_same(found, array)
        assert found.flags.aligned
        looked_at = np.shares_memory(found, np.frombuffer(content, np.uint8))
        assert looked_at == (envelope.raws[0][0] % 4 == 0)


def test_fields_in_any_order_and_in_parts_are_one_request() -> None:
    """Parts of a message one after the other are the message: so the wire format wants it."""
    array = np.array([[1.5, 2.5]], np.float32)
    whole = request(x=array)
    whole.id, whole.model_version = "r-1", "3"
    parts = []
    for name in ("raw_input_contents", "id", "inputs", "model_version", "model_name"):
        part = messages.make("ModelInferRequest")
        part.MergeFrom(whole)
        for other, _ in whole.ListFields():
            if other.name != name:
                part.ClearField(other.name)
        parts.append(part.SerializeToString())
    content = b"".join(parts)
    envelope = grpc_request.unpack(content)
    head = grpc_request.read_head(envelope.head)
    assert (envelope.id, head.model, head.version) == ("r-1", "fraud", "3")
    assert_same(decode(content, x=TensorSpec("x", "FP32", (-1, 2)))["x"], array)


def test_numbers_may_come_unpacked() -> None:
    """As proto2's writers and some of today's do it."""
    tensor = b"\x0a\x01x" + b"\x12\x05INT32" + b"\x18\x01\x18\x03"
    contents = b"".join(b"\x10" + bytes([value]) for value in (5, 6, 7))
    tensor += b"\x2a" + bytes([len(contents)]) + contents
    content = b"\x2a" + bytes([len(tensor)]) + tensor
    assert decode(content, x=TensorSpec("x", "INT32", (1, 3)))["x"].tolist() == [[5, 6, 7]]


def test_unknown_fields_are_passed_over() -> None:
    content = request(x=np.zeros(1, np.float32)).SerializeToString()
    unknown = b"\xf2\x07\x03abc" + b"\x98\x06\x05" + b"\x95\x06abcd" + b"\x91\x06abcdefgh"
    assert decode(unknown + content + unknown, x=TensorSpec("x", "FP32", (1,)))["x"].tolist() == [0.0]


def test_parameters_are_read() -> None:
    given = {
        "a": {"bool_param": True},
        "b": {"int64_param": -5},
        "c": {"string_param": "ä"},
        "d": {"double_param": 0.5},
        "e": {"uint64_param": 2**63},
        "f": {},
        "g": {"bool_param": False},
    }
    content = messages.make("ModelInferRequest", parameters=given).SerializeToString()
    found = grpc_request.read_head(content).parameters
    assert found == {"a": True, "b": -5, "c": "ä", "d": 0.5, "e": 2**63, "f": None, "g": False}


def test_wanted_outputs() -> None:
    content = messages.make("ModelInferRequest", outputs=[{"name": "b"}, {"name": "a"}]).SerializeToString()
    assert grpc_request.read_head(content).outputs == ("b", "a")
    assert grpc_request.read_head(b"").outputs is None


ONE = np.zeros((1, 2), np.float32)
MORE = "inputs[0].contents: more or fewer elements, the shape [1] needs 1"
TOO_MANY = "inputs: one request may have 16777216 elements, those of BYTES count 16 times; send fewer rows"
CLASSES = {"classification": {"int64_param": 3}}
SHARED = {"shared_memory_region": {"string_param": "region"}}


def one(**changes: Any) -> Any:
    """A request for one input `x` of two FP32, typed, changed."""
    tensor = described("x", "FP32", ONE) | {"contents": {"fp32_contents": [1, 2]}} | changes
    return messages.make("ModelInferRequest", inputs=[tensor])


REFUSED: list[tuple[Any, str]] = [
    (one(name="z"), "inputs[0].name: the model has no input 'z'; it takes 'x'"),
    (one(datatype="FP64"), "inputs[0].datatype: 'FP64' is sent, the model takes FP32"),
    (one(datatype=""), "inputs[0].datatype: '' is sent, the model takes FP32"),
    (one(datatype="FP33"), "inputs[0].datatype: 'FP33' is sent, the model takes FP32"),
    (one(shape=[2]), "inputs[0].shape: [2] is sent, the model takes [-1, 2]"),
    (one(shape=[1, 3]), "inputs[0].shape: [1, 3] is sent, the model takes [-1, 2]"),
    (one(shape=[-1, 2]), "inputs[0].shape: [-1, 2] is sent, the model takes [-1, 2]"),
    (one(shape=[2, 2]), "inputs[0].contents: 2 elements, the shape [2, 2] needs 4"),
    (one(shape=[0, 2]), "inputs[0].contents: 2 elements, the shape [0, 2] needs 0"),
    (one(shape=[1] * 40), "inputs[0].shape: has more than 32 dimensions"),
    (one(contents={}), "inputs[0].contents: 0 elements, the shape [1, 2] needs 2"),
    (one(contents={"fp64_contents": [1, 2]}), "inputs[0].contents: fp64_contents is sent, FP32 takes fp32_contents"),
    (one(parameters=SHARED), "inputs[0].parameters: shared memory is not supported; send the data"),
    (messages.make("ModelInferRequest"), "inputs: 'x' is missing; the model takes 'x'"),
    (request(x=ONE, y=ONE), "inputs[1].name: the model has no input 'y'; it takes 'x'"),
    (
        messages.make("ModelInferRequest", inputs=[described("x", "FP32", ONE)] * 2),
        "inputs[1].name: 'x' is given twice",
    ),
    (
        messages.make("ModelInferRequest", inputs=[described("x", "FP32", ONE)], raw_input_contents=[bytes(7)]),
        "raw_input_contents[0]: 7 bytes, the shape [1, 2] of FP32 needs 8",
    ),
    (
        messages.make("ModelInferRequest", inputs=[described("x", "FP32", ONE)], raw_input_contents=[bytes(8)] * 2),
        "raw_input_contents: 2 are sent for 1 inputs",
    ),
    (
        messages.make("ModelInferRequest", inputs=one().inputs, raw_input_contents=[bytes(8)]),
        "inputs[0].contents: must be empty beside raw_input_contents",
    ),
    (
        messages.make("ModelInferRequest", inputs=one().inputs, outputs=[{"name": "z"}]),
        "outputs[0].name: the model has no output 'z'; it gives 'y'",
    ),
    (
        messages.make("ModelInferRequest", inputs=one().inputs, outputs=[{"name": "y"}, {"name": "y"}]),
        "outputs[1].name: 'y' is asked for twice",
    ),
    (
        messages.make("ModelInferRequest", outputs=[{"name": "y", "parameters": SHARED}]),
        "outputs[0].parameters: shared memory is not supported; send the data",
    ),
    (
        messages.make("ModelInferRequest", outputs=[{"name": "y", "parameters": CLASSES}]),
        "outputs[0].parameters: classification is not supported; ask for the output itself",
    ),
    (
        one(shape=[2**24, 2]),
        TOO_MANY,
    ),
    (b"\x2a", "the message cannot be read: a number is cut off"),
    (b"\x0a\x02\xff\xff", "the message cannot be read: a name or text is not UTF-8"),
    (b"\x1a\x02\xff\xff", "the message cannot be read: a name or text is not UTF-8"),
    (b"\x3a\x00" * 5000, "the message cannot be read: it has more than 4096 fields"),
    (b"\x2a\x00" * 5000, "the message cannot be read: it has more than 4096 fields"),
]


@pytest.mark.parametrize(("message", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_what_does_not_fit_is_refused(message: Any, told: str) -> None:
    with pytest.raises(RequestFault) as refused:
        decode(message, x=TensorSpec("x", "FP32", (-1, 2)))
    assert refused.value.message == told
    assert refused.value.status == (413 if told is TOO_MANY else 400)


@pytest.mark.parametrize(
    ("datatype", "contents", "told"),
    [
        ("INT8", {"int_contents": [128]}, "inputs[0].contents: a number does not fit INT8"),
        ("INT8", {"int_contents": [-129]}, "inputs[0].contents: a number does not fit INT8"),
        ("UINT8", {"uint_contents": [256]}, "inputs[0].contents: a number does not fit UINT8"),
        ("INT16", {"int_contents": [1, 2]}, MORE),
        ("INT64", {"int64_contents": []}, MORE),
        ("BOOL", {"bool_contents": [True, True]}, MORE),
        ("BYTES", {"bytes_contents": [b"\xff"]}, "inputs[0].contents: element 0 is not UTF-8"),
        (
            "BYTES",
            {"bytes_contents": [b"a", b"b"]},
            "inputs[0].contents: more than the 1 elements that the shape needs",
        ),
        ("BYTES", {}, "inputs[0].contents: 0 elements, the shape [1] needs 1"),
        ("FP16", {"fp32_contents": [1]}, "inputs[0].contents: FP16 has no typed contents; send raw_input_contents"),
    ],
)
def test_typed_contents_that_do_not_fit(datatype: str, contents: Any, told: str) -> None:
    message = messages.make(
        "ModelInferRequest", inputs=[{"name": "x", "datatype": datatype, "shape": [1], "contents": contents}]
    )
    with pytest.raises(RequestFault) as refused:
        decode(message, x=TensorSpec("x", datatype, (-1,)))
    assert refused.value.message == told


@pytest.mark.parametrize(
    ("datatype", "raw", "told"),
    [
        ("BOOL", b"\x02", "raw_input_contents[0]: a BOOL is a byte of 0 or 1"),
        ("BYTES", b"\x01\x00", "raw_input_contents[0]: 2 bytes are too few for the 1 elements"),
        ("BYTES", b"\x02\x00\x00\x00a", "raw_input_contents[0]: element 0 is cut off"),
        ("BYTES", b"\xff\xff\xff\xff", "raw_input_contents[0]: element 0 is cut off"),
        ("BYTES", b"\x00\x00\x00\x00" * 2, "raw_input_contents[0]: 4 bytes follow the last"),
        ("BYTES", b"\x01\x00\x00\x00\xff", "raw_input_contents[0]: element 0 is no UTF-8 text"),
    ],
)
def test_raw_contents_that_do_not_fit(datatype: str, raw: bytes, told: str) -> None:
    message = messages.make(
        "ModelInferRequest",
        inputs=[{"name": "x", "datatype": datatype, "shape": [1]}],
        raw_input_contents=[raw],
    )
    with pytest.raises(RequestFault) as refused:
        decode(message, x=TensorSpec("x", datatype, (-1,)))
    assert refused.value.message.startswith(told)


@settings(max_examples=300)
@given(st.data())
def test_any_bytes_are_read_as_theirs_or_refused(data: st.DataObject) -> None:
    """A sane message with some bytes of it changed: what we read of it is what google.protobuf reads of it."""
    sent = request(x=np.array([1, 2], np.float32))
    sent.id = "id"
    content = bytearray(sent.SerializeToString())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        envelope = grpc_request.unpack(bytes(content))
        head = grpc_request.read_head(envelope.head)
        # What contents hold is looked at when the tensors are read.
        for span in (span for each in head.inputs for span in each.contents):
            list(wire.fields(envelope.head, *span))
    except RequestFault:
        return
    try:
        theirs = messages.read("ModelInferRequest", bytes(content))
    except DecodeError:
        return  # in contents, which are read only once their tensor fits the model
    assert (envelope.id, head.model, head.version or "") == (theirs.id, theirs.model_name, theirs.model_version)
    assert [bytes(content[start:stop]) for start, stop in envelope.raws] == list(theirs.raw_input_contents)
    assert [(each.name, each.datatype, each.shape) for each in head.inputs] == [
        (each.name, each.datatype, tuple(each.shape)) for each in theirs.inputs
    ]


def test_the_weight_of_text() -> None:
    head = grpc_request.Head("m", None, {}, (grpc_request.Tensor("x", "BYTES", (1000,)),), None)
    specs = {"x": TensorSpec("x", "BYTES", (-1,))}
    grpc_request.check(head, specs, {}, 16_000)
    with pytest.raises(RequestFault, match="send fewer rows"):
        grpc_request.check(head, specs, {}, 15_999)


@pytest.mark.parametrize("contents", [{"contents": {}}, {}])
@pytest.mark.parametrize("datatype", ["FP32", "INT8", "BYTES"])
def test_shapes_that_no_array_can_have(datatype: str, contents: Any) -> None:
    tensor = {"name": "x", "datatype": datatype, "shape": [0, 2**62, 2**62]} | contents
    message = messages.make("ModelInferRequest", inputs=[tensor], raw_input_contents=[] if contents else [b""])
    with pytest.raises(RequestFault, match="no tensor can have the shape"):
        decode(message, x=TensorSpec("x", datatype, (-1, -1, -1)))
