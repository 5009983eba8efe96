"""Reads any request, and says in which place it is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from moorage_runtime.codecs import slices
from moorage_runtime.codecs.v2 import blobs, elements, parameters, wire
from moorage_runtime.codecs.v2.outline import outline
from moorage_runtime.codecs.v2.request import NOTHING, InferRequest, invalid
from moorage_runtime.codecs.words import names, shown
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array, TensorSpec, fits


class Careful:
    """Reads requests for a model with these inputs and outputs; `optional`: inputs that may be given besides; `most`:
    elements of all inputs together."""

    def __init__(
        self,
        inputs: Mapping[str, TensorSpec],
        outputs: parameters.Outputs,
        most: int,
        optional: Mapping[str, TensorSpec] = NOTHING,
    ) -> None:
        self._needed = frozenset(inputs)
        self._inputs = {**inputs, **optional}
        self._outputs = outputs
        self._most = most

    def read(self, body: blobs.Body, json_length: int | None) -> Steps[InferRequest]:
        """`json_length`: where the JSON ends and the binary tensors begin, None when all is JSON.

        Raises `RequestFault` 400 whose message starts with the field's path, such as `inputs[0].shape`, or 413.
        """
        text = body if json_length is None else memoryview(body)[:json_length]
        request, lists = (yield from _outlined(text)) if len(text) > slices.GREAT_BYTES else (wire.read(text), {})
        told = parameters.of_request(request.parameters)
        inputs = _Inputs(self._inputs, body, json_length, self._most, lists)
        for index, tensor in enumerate(request.inputs):
            yield from inputs.take(tensor, f"inputs[{index}]")
        return InferRequest(inputs.whole(self._needed), *self._wants(request, told))

    def _wants(
        self, request: wire.Request, told: Mapping[str, object]
    ) -> tuple[tuple[str, ...] | None, str | None, Mapping[str, object], tuple[str, ...]]:
        wanted, binary = self._outputs.read(request.outputs, told)
        return wanted, request.id, told, binary


_INVALID = 400
Lists = Mapping[bytes, memoryview]


def _outlined(text: blobs.Body) -> Steps[tuple[wire.Request, Lists]]:
    slices.refuse_blank(text)
    found = yield from outline(text)
    yield
    try:
        if len(found.text) > slices.GREAT_BYTES:
            return (yield from wire.read_large(found.text)), found.lists
        return wire.read(found.text), found.lists
    except RequestFault as fault:
        if not found.lists or fault.status != _INVALID:
            raise
    yield
    # What is wrong is told of the text as it came.
    return wire.read(text), {}


class _Inputs:
    """The inputs of one request, one after the other; `lists`: data that was taken out of the JSON."""

    def __init__(
        self, specs: Mapping[str, TensorSpec], body: blobs.Body, json_length: int | None, most: int, lists: Lists
    ) -> None:
        self._specs = specs
        self._body = body
        self._binary = json_length is not None
        self._at = len(body) if json_length is None else json_length
        self._left = most
        self._most = most
        self._lists = lists
        self._arrays: dict[str, Array] = {}

    def take(self, tensor: wire.Tensor, path: str) -> Steps[None]:
        """Add one input. Raises `RequestFault`."""
        name = tensor.name
        spec = self._specs.get(name)
        if spec is None:
            raise invalid(f"{path}.name: the model has no input {shown(name)}; it takes {names(self._specs)}")
        if name in self._arrays:
            raise invalid(f"{path}.name: {name!r} is given twice")
        array = yield from self._array(tensor, shape_of(tensor, spec, path), path)
        self._left -= array.size
        if self._left < 0 or max(array.shape, default=0) > self._most:
            raise RequestFault(413, "TensorTooLarge", f"{path}: a request may have {self._most} elements")
        self._arrays[name] = array

    def whole(self, needed: frozenset[str]) -> Mapping[str, Array]:
        """All inputs. Raises `RequestFault` 400 when one that is needed is missing, or bytes are left."""
        if not needed <= self._arrays.keys():
            missing = ", ".join(repr(name) for name in self._specs if name in needed and name not in self._arrays)
            raise invalid(f"inputs: {missing} is missing; the model takes {names(self._specs)}")
        if self._at != len(self._body):
            left = len(self._body) - self._at
            raise invalid(f"the body has {left} bytes more than its JSON and the binary tensors that it announces")
        return self._arrays

    def _array(self, tensor: wire.Tensor, shape: tuple[int, ...], path: str) -> Steps[Array]:
        size = parameters.size_of_input(tensor.parameters, path)
        given = bool(memoryview(tensor.data))
        if size is None:
            if not given:
                raise invalid(f"{path}.data: is missing")
            data = self._lists.get(bytes(tensor.data), tensor.data) if self._lists else tensor.data
            return (yield from elements.read(data, tensor.datatype, shape, f"{path}.data"))
        if given:
            raise invalid(f"{path}.data: is given, and binary_data_size as well")
        if not self._binary:
            raise invalid(f"{path}: a binary tensor needs the header Inference-Header-Content-Length")
        array = blobs.read(self._body, self._at, size, tensor.datatype, shape, path)
        self._at += size
        return array


def shape_of(tensor: wire.Tensor, spec: TensorSpec, path: str) -> tuple[int, ...]:
    """The shape of a tensor of the model's datatype and a shape that fits. Raises `RequestFault` 400."""
    if tensor.datatype != spec.datatype:
        raise invalid(f"{path}.datatype: {shown(tensor.datatype)} is sent, the model takes {spec.datatype}")
    shape = tuple(tensor.shape)
    if min(shape, default=0) < 0 or not fits(shape, spec):
        raise invalid(f"{path}.shape: {_told(shape)} is sent, the model takes {list(spec.shape)}")
    return shape


def _told(shape: tuple[int, ...]) -> str:
    return str(list(shape)) if len(shape) <= 64 else f"a shape of {len(shape)} lengths"
