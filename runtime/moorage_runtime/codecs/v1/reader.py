"""A body of V1 to the model's inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from moorage_runtime.codecs.features.reader import Reader
from moorage_runtime.codecs.slices import Around, Body, Unsliced, great_list, keys, refuse_blank, undisturbed
from moorage_runtime.codecs.v1.nested import is_bytes, opening, tensor
from moorage_runtime.codecs.v1.plain_rows import PlainRows
from moorage_runtime.codecs.v1.refusals import invalid, malformed
from moorage_runtime.codecs.v1.request import Request, Sent
from moorage_runtime.codecs.v1.sliced import Sliced, too_many
from moorage_runtime.codecs.words import names, shown
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array, TensorSpec

_NONE: Mapping[str, TensorSpec] = {}
_LISTS = keys("instances", "inputs")
_INSTANCES = b"instances"
# TensorFlow Serving's name for what a model does when nothing is named.
_SIGNATURE = "serving_default"
_SIGNED = re.compile(rb'"signature_name"(?!\s*:\s*("serving_default"|""|null)[\s,}])').search
_AROUND_BYTES = 4 << 10
_OBJECT = re.compile(rb"[ \t\r\n]*\{")
_decode_body = msgspec.json.Decoder(Sent).decode
_decode_rows = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_decode_columns = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class V1Reader:
    """Reads requests for one model. `features`: reads rows of named features; `elements`: of all tensors, at most;
    `optional`: inputs that may be given besides, among columns."""

    def __init__(
        self,
        specs: Mapping[str, TensorSpec],
        features: Reader,
        elements: int,
        optional: Mapping[str, TensorSpec] = _NONE,
    ) -> None:
        self._specs = specs
        self._optional = optional
        self._features = features
        self._elements = elements
        self._only = next(iter(specs.values())) if len(specs) == 1 else None
        rows = self._only if self._only and self._only.shape else None
        self._plain = PlainRows(rows, elements) if rows else None
        self._sliced = Sliced(rows, elements) if rows else None

    def read(self, body: bytes) -> Request:
        """One request. Raises `RequestFault` 400 whose message starts with the path, 413 for too many elements."""
        return self._plainly(body) or self._carefully(body)

    def steps(self, body: Body) -> Steps[Request]:
        """The same in steps, between which others can have their turn."""
        refuse_blank(body)
        around = great_list(body, _LISTS)
        if around is not None and _signed(body, around.start):
            around = None
        found = (yield from self._by_slices(body, around)) if around is not None else None
        if found is not None:
            return found
        whole = bytes(body)
        yield
        with undisturbed():
            plain = self._plainly(whole)
        if plain is not None:
            return plain
        yield
        with undisturbed():
            return self._carefully(whole)

    def _by_slices(self, body: Body, around: Around) -> Steps[Request | None]:
        by_row, path = around.key == _INSTANCES, around.key.decode()
        objects = _OBJECT.match(body, around.start) is not None
        named = by_row and objects
        if objects and not by_row and not is_bytes(msgspec.Raw(body[around.start : around.start + _AROUND_BYTES])):
            # Lists of numbers are needed; the first element tells what the whole of it would.
            self._alone(msgspec.Raw(b"[{}]"), path)
        try:
            if named:
                question = yield from self._features.sliced(body, path)
                return Request(question.inputs, by_row=True)
            if self._sliced is not None:
                array = yield from self._sliced.read(body, around)
                return Request({self._sliced.name: array}, by_row=by_row)
        except Unsliced as found:
            fault = self._wrong(found, body, around, named=named)
            if fault is not None:
                raise fault from found
        yield
        return None

    def _wrong(self, found: Unsliced, body: Body, around: Around, *, named: bool) -> RequestFault | None:
        if not named or found.words is not None:
            sliced = self._sliced
            depth = sliced.depth(body, around.start) if sliced else 0
            return sliced.wrong(found, around.key.decode(), depth) if sliced else None
        try:
            rows = _decode_rows(found.part or b"[]")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if not rows or rows[0].keys() & self._specs.keys():
            return None
        fault = self._features.wrong(found)
        return invalid(_in_our_words(fault)) if fault else None

    def _plainly(self, body: bytes) -> Request | None:
        inputs = self._plain.read(body) if self._plain else None
        return None if inputs is None else Request(inputs, by_row=True)

    def _carefully(self, body: bytes) -> Request:
        try:
            sent = _decode_body(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(error, "") from error
        if sent.signature_name not in (msgspec.UNSET, None, "", _SIGNATURE):
            raise invalid(f"signature_name: {sent.signature_name!r:.80} is unknown; the model has only {_SIGNATURE!r}")
        if isinstance(sent.instances, msgspec.Raw):
            if isinstance(sent.inputs, msgspec.Raw):
                raise invalid('body: needs only one of "instances" and "inputs"')
            return Request(self._counted(self._by_row(sent.instances)), by_row=True)
        if isinstance(sent.inputs, msgspec.Raw):
            return Request(self._counted(self._by_column(sent.inputs)), by_row=False)
        raise invalid('body: needs one of "instances" and "inputs"')

    def _by_row(self, raw: msgspec.Raw) -> dict[str, Array]:
        if opening(raw, 2) == b"[]":
            raise invalid("instances: is an empty list")
        if opening(raw, 2) != b"[{" or (self._only and self._only.datatype == "BYTES" and is_bytes(raw)):
            return self._alone(raw, "instances")
        try:
            rows = _decode_rows(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(error, "instances") from error
        if not rows[0].keys() & self._specs.keys():
            return self._named(raw)
        joined = {
            name: b"[" + b",".join([self._cell(row, name, at) for at, row in enumerate(rows)]) + b"]"
            for name in self._specs
        }
        for at, row in enumerate(rows):
            self._refuse_extra(row, self._specs, f"instances[{at}]")
        return {
            name: tensor(msgspec.Raw(cells), self._specs[name], "instances", f".{name}")
            for name, cells in joined.items()
        }

    def _cell(self, row: Mapping[str, msgspec.Raw], name: str, at: int) -> bytes:
        found = row.get(name)
        if found is None:
            raise invalid(f"instances[{at}]: {name!r} is missing; the model takes {names(self._specs)}")
        cell = bytes(found)
        one = self._specs[name].shape[1:] == (1,) and not cell.startswith(b"[")
        return b"[%b]" % cell if one else cell

    def _refuse_extra(self, given: Mapping[str, Any], known: Mapping[str, TensorSpec], path: str) -> None:
        extra = next((name for name in given if name not in known), None)
        if extra in self._optional:
            raise invalid(f'{path}: {extra!r} is one for all rows; send columns, under "inputs", to give it')
        if extra is not None:
            raise invalid(f"{path}: the model has no input {shown(extra)}; it takes {names(known)}")

    def _named(self, raw: msgspec.Raw) -> dict[str, Array]:
        """Rows of named features, as the plain API has them; a refusal keeps this protocol's status and words."""
        try:
            return self._features.read(b'{"rows":%b}' % bytes(raw)).inputs
        except RequestFault as fault:
            if fault.status == 413:
                raise
            raise invalid(_in_our_words(fault)) from fault

    def _by_column(self, raw: msgspec.Raw) -> dict[str, Array]:
        if opening(raw, 1) != b"{" or (self._only and self._only.datatype == "BYTES" and is_bytes(raw)):
            return self._alone(raw, "inputs")
        try:
            columns = _decode_columns(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(error, "inputs") from error
        missing = [name for name in self._specs if name not in columns]
        if missing:
            raise invalid(f"inputs: {missing[0]!r} is missing; the model takes {names(self._specs)}")
        known = {**self._specs, **self._optional}
        self._refuse_extra(columns, known, "inputs")
        return {name: tensor(column, known[name], f"inputs.{name}") for name, column in columns.items()}

    def _alone(self, raw: msgspec.Raw, path: str) -> dict[str, Array]:
        if self._only is None:
            raise invalid(f"{path}: the model has several inputs; name each of {names(self._specs)}")
        return {self._only.name: tensor(raw, self._only, path)}

    def _counted(self, inputs: dict[str, Array]) -> dict[str, Array]:
        if sum(array.size for array in inputs.values()) > self._elements:
            raise too_many(self._elements)
        return inputs


def _signed(body: Body, start: int) -> bool:
    """Whether there may be another signature's name around a list that begins there."""
    return any(_SIGNED(bytes(part)) is not None for part in (body[:start], body[-_AROUND_BYTES:]))


def _in_our_words(fault: RequestFault) -> str:
    return fault.message.replace("rows[", "instances[")
