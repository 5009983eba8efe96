"""Reads the inference requests for one model."""

from __future__ import annotations

from collections.abc import Mapping

from moorage_runtime.codecs.slices import GREAT_BYTES
from moorage_runtime.codecs.v2.blobs import Body
from moorage_runtime.codecs.v2.careful import Careful
from moorage_runtime.codecs.v2.parameters import Outputs
from moorage_runtime.codecs.v2.quick import Quick
from moorage_runtime.codecs.v2.request import NOTHING, InferRequest, invalid
from moorage_runtime.config import Limits
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import Steps, finish
from moorage_runtime.tensors import TensorSpec


class Reader:
    """Compiled once for a model with these inputs and outputs; `optional`: inputs that a request may give besides."""

    def __init__(
        self,
        inputs: Mapping[str, TensorSpec],
        outputs: Mapping[str, TensorSpec],
        limits: Limits,
        optional: Mapping[str, TensorSpec] = NOTHING,
    ) -> None:
        wants = Outputs(outputs)
        self._json_bytes = limits.json_bytes
        self._at_once = min(limits.json_bytes, GREAT_BYTES)
        self._quick = Quick(inputs, wants, limits.elements)
        self._careful = Careful(inputs, wants, limits.elements, optional)

    def read(self, body: Body, json_length: int | None = None) -> InferRequest:
        """Read a request at once. `json_length`: where its JSON ends and binary tensors begin, None when all is JSON.

        Raises `RequestFault` 400 whose message starts with the field's path, such as `inputs[0].shape`, or 413 for one
        beyond the limits. Arrays of binary tensors are views of the body.
        """
        if json_length is None:
            found = self._quick.read(body) if len(body) <= self._at_once else None
        elif json_length <= len(body) and json_length <= self._json_bytes:
            found = self._quick.read_binary(body, json_length)
        else:
            found = None
        return found or finish(self.steps(body, json_length))

    def steps(self, body: Body, json_length: int | None = None) -> Steps[InferRequest]:
        """The same in steps, between which others can have their turn: large JSON takes a while."""
        length = len(body) if json_length is None else json_length
        if length > len(body):
            raise invalid(f"the body has {len(body)} bytes, its JSON should have {length}")
        if length > self._json_bytes:
            raise self._too_large()
        return (yield from self._careful.read(body, json_length))

    def _too_large(self) -> RequestFault:
        cure = "send large tensors as binary tensors"
        return RequestFault(413, "JsonTooLarge", f"the JSON is larger than {self._json_bytes} bytes; {cure}")
