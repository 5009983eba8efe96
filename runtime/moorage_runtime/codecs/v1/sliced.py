"""Reads great lists of numbers for the one input a slice at a time; what is not plainly right is left to others."""

from __future__ import annotations

import msgspec
import numpy as np

from moorage_runtime.codecs import numbers
from moorage_runtime.codecs.slices import Around, Body, Unsliced, parts, without
from moorage_runtime.codecs.slices import numbers as numbers_nested
from moorage_runtime.codecs.v1.nested import decoder, opening, tensor
from moorage_runtime.codecs.v1.refusals import invalid, malformed
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array, TensorSpec, dtype_of, fits

_OPENING_BYTES = 64


class Sliced:
    """For a model with this one input of at least one length; `elements`: at most."""

    def __init__(self, spec: TensorSpec, elements: int) -> None:
        self.name = spec.name
        self._spec = spec
        # A slice has any number of rows, whatever the whole must have.
        self._part = TensorSpec(spec.name, spec.datatype, (-1, *spec.shape[1:]))
        self._dtype = dtype_of(spec.datatype)
        self._elements = elements

    def read(self, body: Body, around: Around) -> Steps[Array]:
        """The tensor. Raises `Unsliced`, and `RequestFault` 413."""
        if self._dtype.kind not in "fiub":
            raise Unsliced
        depth = self.depth(body, around.start)
        found: list[Array] = []

        def take(part: bytes, before: int) -> int:
            array = self._read(part, depth)
            if array is None:
                return 0
            if before * (array.size // len(array)) + array.size > self._elements:
                raise too_many(self._elements)
            found.append(array)
            return len(array)

        behind = yield from parts(body, around.start, numbers_nested(depth), take)
        if not _is_all(without(body, around, behind)):
            raise Unsliced
        yield
        return self._whole(found)

    def wrong(self, found: Unsliced, path: str, depth: int) -> RequestFault | None:
        """What keeps a list by the key `path`, nested this deep, from being read, where the slice alone tells it."""
        if found.words is not None:
            return invalid(found.words)
        if found.part is None:
            return None
        try:
            decoder(self._spec.datatype, depth)(found.part)
        except (msgspec.DecodeError, RecursionError) as error:
            return malformed(error, path, first=found.count)
        except UnicodeDecodeError:
            return None
        return None

    def depth(self, body: Body, start: int) -> int:
        """How deep the list is nested that begins at `start`: rows of one element may be that element."""
        text = msgspec.Raw(b"[" + bytes(body[start : start + _OPENING_BYTES]))
        scalars = self._spec.shape[1:] == (1,) and opening(text, 2)[1:] != b"["
        return len(self._spec.shape) - scalars

    def _whole(self, found: list[Array]) -> Array:
        try:
            array = np.concatenate(found)
        except ValueError as error:
            raise Unsliced from error
        if not fits(array.shape, self._spec):
            raise Unsliced
        return array

    def _read(self, part: bytes, depth: int) -> Array | None:
        array = numbers.read(part, self._dtype, depth) if depth <= 2 and numbers.readable(self._dtype) else None
        if array is not None:
            rows = array.reshape(-1, 1) if depth < len(self._spec.shape) else array
            return rows if fits(rows.shape, self._part) else None
        try:
            read = tensor(msgspec.Raw(part), self._part, "")
        except RequestFault:
            return None
        return read if read.size else None


class _Rest(msgspec.Struct, gc=False):
    instances: list[None] | msgspec.UnsetType = msgspec.UNSET
    inputs: list[None] | msgspec.UnsetType = msgspec.UNSET


_decode_rest = msgspec.json.Decoder(_Rest).decode


def _is_all(rest: bytes | None) -> bool:
    """Whether the list was the whole request."""
    try:
        told = _decode_rest(rest or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return (told.instances is msgspec.UNSET) is not (told.inputs is msgspec.UNSET)


def too_many(elements: int) -> RequestFault:
    """The refusal of a request beyond the limit."""
    return RequestFault(413, "TooManyElements", f"one request may have {elements} values")
