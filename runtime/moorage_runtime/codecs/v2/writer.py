"""Writes the answers to inference requests of one model."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import msgspec

from moorage_runtime.codecs.slices import GREAT_ELEMENTS
from moorage_runtime.codecs.v2 import blobs, elements
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array, datatype_of

_SHAPES = 256
_encode = msgspec.json.Encoder().encode


class _Form:
    """Answers with the same outputs of the same shapes. `text`: all that repeats in them, with `%b` where they begin
    and where the elements of each output are; `tellers` give those. `great`: others should have their turn meanwhile.
    """

    __slots__ = ("great", "tellers", "text")

    def __init__(self, text: bytes, tellers: Sequence[Callable[[Array], list[Any]]], great: bool) -> None:
        self.text = text
        self.tellers = tellers
        self.great = great


class Writer:
    """Compiled once for a model and its version: what repeats in its answers is put together once."""

    def __init__(self, model: str, version: str) -> None:
        self._start = b'{"model_name":%b,"model_version":%b,' % (_encode(model), _encode(version))
        self._plain = self._start + b'"outputs":['
        self._heads: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._forms: dict[tuple[Any, ...], _Form] = {}

    def write(self, request: InferRequest, outputs: Mapping[str, Array]) -> tuple[bytes, int | None]:
        """The body of the answer, and the length of its JSON when binary tensors follow it (None: all is JSON)."""
        start = self._plain if request.id is None else self._named(request.id)
        if request.binary:
            return self._mixed(start, request.binary, outputs)
        return _filled(self._form(outputs), start, outputs), None

    def write_quickly(self, request: InferRequest, outputs: Mapping[str, Array]) -> tuple[bytes, int | None] | None:
        """The same; None where others should have their turn while this answer is written."""
        if request.binary:
            return None if _great(outputs, request.binary) else self.write(request, outputs)
        form = self._form(outputs)
        if form.great:
            return None
        start = self._plain if request.id is None else self._named(request.id)
        return _filled(form, start, outputs), None

    def steps(self, request: InferRequest, outputs: Mapping[str, Array]) -> Steps[tuple[list[bytes], int | None]]:
        """The same answer in parts and in steps."""
        parts = [self._plain if request.id is None else self._named(request.id)]
        tail: list[bytes] = []
        for index, (name, array) in enumerate(outputs.items()):
            parts.append(b"," if index else b"")
            head = self._head(name, array)
            if name in request.binary:
                blob, size = blobs.write(array)
                tail.append(bytes(blob))
                parts.append(b'%b"parameters":{"binary_data_size":%d}}' % (head, size))
            else:
                parts.append(b'%b"data":' % head)
                yield from elements.write_in_parts(array, parts)
                parts.append(b"}")
        parts.append(b"]}")
        return [*parts, *tail], sum(map(len, parts)) if tail else None

    def _mixed(self, start: bytes, binary: Container[str], outputs: Mapping[str, Array]) -> tuple[bytes, int | None]:
        told: list[bytes] = []
        tail: list[Any] = []
        for name, array in outputs.items():
            head = self._head(name, array)
            if name in binary:
                blob, size = blobs.write(array)
                tail.append(blob)
                told.append(b'%b"parameters":{"binary_data_size":%d}}' % (head, size))
            else:
                told.append(b'%b"data":%b}' % (head, elements.write(array)))
        text = b"%b%b]}" % (start, b",".join(told))
        return (b"".join([text, *tail]), len(text)) if tail else (text, None)

    def _named(self, request_id: str) -> bytes:
        return b'%b"id":%b,"outputs":[' % (self._start, _encode(request_id))

    def _form(self, outputs: Mapping[str, Array]) -> _Form:
        shapes = (*outputs, *[array.shape for array in outputs.values()])
        return self._forms.get(shapes) or self._new_form(shapes, outputs)

    def _new_form(self, shapes: tuple[Any, ...], outputs: Mapping[str, Array]) -> _Form:
        """An output's datatype is always the same, its shape is not."""
        if len(self._forms) >= _SHAPES:
            self._forms.clear()
        heads = [self._head(name, array).replace(b"%", b"%%") for name, array in outputs.items()]
        form = self._forms[shapes] = _Form(
            b"%%b%b]}" % b",".join([b'%b"data":%%b}' % head for head in heads]),
            [elements.teller(array) for array in outputs.values()],
            _great(outputs),
        )
        return form

    def _head(self, name: str, array: Array) -> bytes:
        """All of an output that comes before its data."""
        return self._heads.get((name, array.shape)) or self._new_head(name, array)

    def _new_head(self, name: str, array: Array) -> bytes:
        if len(self._heads) >= _SHAPES:
            self._heads.clear()
        told = _encode({"name": name, "datatype": datatype_of(array), "shape": array.shape})
        head = self._heads[name, array.shape] = told[:-1] + b","
        return head


def _filled(form: _Form, start: bytes, outputs: Mapping[str, Array]) -> bytes:
    data = [_encode(tell(array)) for tell, array in zip(form.tellers, outputs.values())]  # noqa: B905 - as many
    return form.text % (start, *data)


def _great(outputs: Mapping[str, Array], binary: Container[str] = ()) -> bool:
    return any(array.size > GREAT_ELEMENTS and name not in binary for name, array in outputs.items())
