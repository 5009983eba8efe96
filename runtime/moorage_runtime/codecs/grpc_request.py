"""ModelInferRequest: a message to tensors.

A client that asks again sends the same bytes but for the tensors and the id. So a message is first taken apart into
these and its *head*, all the rest; what a head says need be read and checked only once (`Head` is remembered by it).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from moorage_runtime.codecs import grpc_wire as wire
from moorage_runtime.codecs.grpc_parameters import Parameter, read_parameter
from moorage_runtime.codecs.grpc_tensors import read_contents, read_raw
from moorage_runtime.codecs.v2.request import invalid
from moorage_runtime.codecs.words import names, shown
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array, TensorSpec, fits

# Far more than any model has, and few enough to look at each.
_MOST_FIELDS = 4096
_MOST_OF_TENSOR = 128
_MOST_DIMENSIONS = 32
# An element of text is an object of its own.
_TEXT_WEIGHT = 16
_ID_TAG, _RAW_TAG = 3 << 3 | wire.LENGTH, 7 << 3 | wire.LENGTH
# A shape of numbers that are not packed.
_LONE_LENGTH = (wire.VARINT, 3)
_NO_PARAMETER: Mapping[str, Parameter] = {}
_NO_OPTIONAL: Mapping[str, TensorSpec] = {}


class Envelope(msgspec.Struct, gc=False):
    """A message taken apart: `id`, where in it the raw tensors lie, and everything else."""

    head: bytes
    id: str
    raws: list[wire.Span]


class Tensor(msgspec.Struct, frozen=True):
    """One input as the head tells it. `contents`: where in the head its typed elements lie."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    contents: tuple[wire.Span, ...] = ()


class Head(msgspec.Struct, frozen=True):
    """What is asked, but for raw tensors. `version` None: the server chooses; `outputs` None: all of them."""

    model: str
    version: str | None
    parameters: Mapping[str, Parameter]
    inputs: tuple[Tensor, ...]
    outputs: tuple[str, ...] | None


def unpack(message: bytes) -> Envelope:
    """Take a message apart. Raises `RequestFault` 400."""
    at, kept, stop = 0, 0, len(message)
    request_id, raws, pieces = "", list[wire.Span](), list[bytes]()
    for _ in range(_MOST_FIELDS):
        if at >= stop:
            break
        tag = message[at]
        start, end = _content(message, at, stop)
        if tag in (_RAW_TAG, _ID_TAG):
            if kept < at:
                pieces.append(message[kept:at])
            kept = end
            if tag == _RAW_TAG:
                raws.append((start, end))
            else:
                request_id = wire.text(message, start, end)
        at = end
    else:
        raise wire.malformed(f"it has more than {_MOST_FIELDS} fields")
    if kept < stop:
        pieces.append(message[kept:])
    return Envelope(pieces[0] if len(pieces) == 1 else b"".join(pieces), request_id, raws)


def _content(message: bytes, at: int, stop: int) -> wire.Span:
    """Where the content of the field at `at` starts and stops: the short ones by hand, they are on every request."""
    if at + 1 < stop and message[at] & 0x87 == wire.LENGTH and (length := message[at + 1]) < 0x80:
        end = at + 2 + length
        if end <= stop:
            return at + 2, end
    _, _, start, end = next(wire.fields(message, at, stop))
    return start, end


def read_head(head: bytes) -> Head:
    """Read everything but ids and raw tensors. Raises `RequestFault` 400."""
    model, version = "", ""
    parameters: dict[str, Parameter] = {}
    inputs, outputs = list[Tensor](), list[str]()
    for number, start, stop in _messages(head, 0, len(head)):
        if number == 1:
            model = wire.text(head, start, stop)
        elif number == 2:
            version = wire.text(head, start, stop)
        elif number == 4:
            parameters.update((read_parameter(head, start, stop),))
        elif number == 5:
            inputs.append(_tensor(head, start, stop, f"inputs[{len(inputs)}]"))
        elif number == 6:
            outputs.append(_output(head, start, stop, f"outputs[{len(outputs)}]"))
    return Head(model, version or None, parameters or _NO_PARAMETER, tuple(inputs), tuple(outputs) or None)


def _messages(data: bytes, at: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """The fields that are texts or messages, few as they are; others are unknown to this protocol."""
    for count, (number, kind, start, end) in enumerate(wire.fields(data, at, stop)):
        if count == _MOST_FIELDS:
            raise wire.malformed(f"it has more than {_MOST_FIELDS} fields")
        if kind == wire.LENGTH:
            yield number, start, end


def _tensor(data: bytes, at: int, stop: int, path: str) -> Tensor:
    name, datatype = "", ""
    lengths, contents = list[int](), list[wire.Span]()
    for number, start, end in _parts_of_tensor(data, at, stop, path):
        if number == 1:
            name = wire.text(data, start, end)
        elif number == 2:
            datatype = wire.text(data, start, end)
        elif number == 3:
            lengths.extend(_lengths(data, start, end, path))
        elif number == 4:
            _refuse_shared_memory(data, start, end, path)
        elif number == 5:
            contents.append((start, end))
    return Tensor(name, datatype, tuple(lengths), tuple(contents))


def _parts_of_tensor(data: bytes, at: int, stop: int, path: str) -> Iterator[tuple[int, int, int]]:
    """A field of another wire type than its own is an unknown one."""
    for count, (number, kind, start, end) in enumerate(wire.fields(data, at, stop)):
        if count == _MOST_OF_TENSOR:
            raise invalid(f"{path}: has more than {_MOST_OF_TENSOR} fields")
        if kind == wire.LENGTH or (kind, number) == _LONE_LENGTH:
            yield number, start, end


def _lengths(data: bytes, at: int, stop: int, path: str) -> list[int]:
    lengths = []
    while at < stop:
        length, at = wire.read_varint(data, at, stop)
        lengths.append(wire.signed(length))
        if len(lengths) > _MOST_DIMENSIONS:
            raise invalid(f"{path}.shape: has more than {_MOST_DIMENSIONS} dimensions")
    return lengths


def _output(data: bytes, at: int, stop: int, path: str) -> str:
    name = ""
    for number, start, end in _messages(data, at, stop):
        if number == 1:
            name = wire.text(data, start, end)
        elif number == 2:
            _refuse_shared_memory(data, start, end, path)
    return name


def _refuse_shared_memory(data: bytes, at: int, stop: int, path: str) -> None:
    """Parameters of a tensor change no number, but for these two."""
    name, value = read_parameter(data, at, stop)
    if name == "shared_memory_region":
        raise invalid(f"{path}.parameters: shared memory is not supported; send the data")
    if name == "classification" and value:
        raise invalid(f"{path}.parameters: classification is not supported; ask for the output itself")


def check(
    head: Head,
    inputs: Mapping[str, TensorSpec],
    outputs: Mapping[str, TensorSpec],
    most_elements: int,
    optional: Mapping[str, TensorSpec] = _NO_OPTIONAL,
) -> None:
    """Compare what is asked with what a model takes and gives; `optional`: what it may be given besides.

    Raises `RequestFault` 400 (413: too many elements)."""
    elements, seen = 0, set[str]()
    known = {**inputs, **optional}
    for index, tensor in enumerate(head.inputs):
        _check_input(tensor, known, seen, f"inputs[{index}]")
        seen.add(tensor.name)
        elements += math.prod(tensor.shape) * (_TEXT_WEIGHT if tensor.datatype == "BYTES" else 1)
    if elements > most_elements:
        told = (
            f"one request may have {most_elements} elements, those of BYTES count {_TEXT_WEIGHT} times; send fewer rows"
        )
        raise RequestFault(413, "TooManyElements", f"inputs: {told}")
    missing = ", ".join(repr(name) for name in inputs if name not in seen)
    if missing:
        raise invalid(f"inputs: {missing} is missing; the model takes {names(inputs)}")
    _check_outputs(head.outputs or (), outputs)


def _check_input(tensor: Tensor, specs: Mapping[str, TensorSpec], seen: set[str], path: str) -> None:
    spec = specs.get(tensor.name)
    if spec is None:
        raise invalid(f"{path}.name: the model has no input {shown(tensor.name)}; it takes {names(specs)}")
    if tensor.name in seen:
        raise invalid(f"{path}.name: {tensor.name!r} is given twice")
    if tensor.datatype != spec.datatype:
        raise invalid(f"{path}.datatype: {shown(tensor.datatype)} is sent, the model takes {spec.datatype}")
    if min(tensor.shape, default=0) < 0 or not fits(tensor.shape, spec):
        raise invalid(f"{path}.shape: {list(tensor.shape)} is sent, the model takes {list(spec.shape)}")


def _check_outputs(wanted: Sequence[str], specs: Mapping[str, TensorSpec]) -> None:
    for index, name in enumerate(wanted):
        if name not in specs:
            raise invalid(f"outputs[{index}].name: the model has no output {shown(name)}; it gives {names(specs)}")
        if name in wanted[:index]:
            raise invalid(f"outputs[{index}].name: {name!r} is asked for twice")


def tensors(message: bytes, envelope: Envelope, head: Head) -> dict[str, Array]:
    """The tensors of a checked request: raw ones look into `message`. Raises `RequestFault` 400."""
    if not envelope.raws:
        return {
            tensor.name: read_contents(
                envelope.head, tensor.contents, tensor.datatype, tensor.shape, f"inputs[{index}].contents"
            )
            for index, tensor in enumerate(head.inputs)
        }
    if len(envelope.raws) != len(head.inputs):
        raise invalid(f"raw_input_contents: {len(envelope.raws)} are sent for {len(head.inputs)} inputs")
    arrays = {}
    for index, (tensor, span) in enumerate(zip(head.inputs, envelope.raws, strict=True)):
        if tensor.contents:
            raise invalid(f"inputs[{index}].contents: must be empty beside raw_input_contents")
        arrays[tensor.name] = read_raw(message, span, tensor.datatype, tensor.shape, f"raw_input_contents[{index}]")
    return arrays
