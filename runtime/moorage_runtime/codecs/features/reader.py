"""A body of the plain API to the model's inputs."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from moorage_runtime.codecs.features import checks, compiled, values
from moorage_runtime.codecs.features.question import PLAIN, Options, Question
from moorage_runtime.codecs.features.sliced import Sliced
from moorage_runtime.codecs.slices import Body, Unsliced, refuse_blank, undisturbed
from moorage_runtime.errors import RequestFault
from moorage_runtime.signature import Layout
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array, TensorSpec, dtype_of

_UNSET = msgspec.UNSET
_as_tuple = msgspec.structs.astuple
_TEXT = frozenset({"string", "binary", "datetime"})
_ENCODED = frozenset({"binary", "datetime"})


class Reader:
    """Reads requests for one model. `elements`: of all tensors of one request, at most."""

    def __init__(self, layout: Layout, elements: int) -> None:
        self._features = layout.features
        self._inputs = layout.inputs
        self._elements = elements
        row = compiled.row(layout.features)
        self._decode = None if row is None else compiled.decoder(row)
        self._sliced = None if row is None else Sliced(row, self._take)
        self._unfinished = [
            (at, feature, feature.kind in _TEXT)
            for at, feature in enumerate(layout.features)
            if not feature.required or feature.kind in _TEXT
        ]
        self._table = dtype_of(layout.inputs[0].datatype) if layout.table else None
        # Whether rows that the decoder took are right: it knows nothing of lengths, dates and encoded bytes.
        self._typed = all(not each.shape and each.kind not in _ENCODED for each in layout.features)
        self._exactly = {spec.shape[0] if spec.shape else 1 for spec in layout.inputs} - {-1}

    def read(self, body: bytes) -> Question:
        """One request. Raises `RequestFault` 400 (no JSON), 413 (too many elements), 422 (what does not fit)."""
        found = self._attempt(body)
        return found if isinstance(found, Question) else self._thoroughly(body, found)

    def steps(self, body: Body) -> Steps[Question]:
        """The same in steps, between which others can have their turn."""
        refuse_blank(body)
        checks.refuse_first_key(body)
        try:
            return (yield from self.sliced(body, "rows"))
        except Unsliced as found:
            fault = self.wrong(found)
        yield
        if fault is not None:
            raise fault
        whole = bytes(body)
        yield
        with undisturbed():
            told = self._attempt(whole)
        if isinstance(told, Question):
            return told
        yield
        with undisturbed():
            return self._thoroughly(whole, told)

    def wrong(self, found: Unsliced) -> RequestFault | None:
        """What keeps a request from being read, where the slice alone tells it."""
        if found.words is not None:
            return RequestFault(400, checks.MALFORMED, found.words)
        return None if found.part is None else checks.wrong_rows(found.part, self._features, found.count)

    def sliced(self, body: Body, key: str) -> Steps[Question]:
        """A plainly right request in steps. `key`: what its list of rows is called. Raises `Unsliced`, or 413, 422."""
        if self._sliced is None:
            raise Unsliced
        inputs, count, options = yield from self._sliced.read(body, key)
        self._check_count(count)
        if sum(array.size for array in inputs.values()) > self._elements:
            raise self._too_many()
        return Question(inputs, count, False, options)

    def _take(self, found: list[Any], part: bytes, before: int) -> dict[str, Array]:
        if (before + len(found)) * len(self._features) > self._elements:
            raise self._too_many()
        rows: list[Any] = [_as_tuple(row) for row in found]
        strings = len(self._features) * len(rows)
        if self._unfinished:
            strings += self._finish(rows)
        if part.count(b'"') != 2 * strings:
            checks.refuse_repeated(part)
        return self._inputs_of(rows)

    def _attempt(self, body: bytes) -> Question | int:
        """The request, if it is plainly right; else the first row that may be wrong."""
        try:
            return self._quickly(body) or 0
        except msgspec.ValidationError as error:
            return checks.first_wrong(error) if self._typed else 0
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError, values.Mistake):
            return 0

    def _quickly(self, body: bytes) -> Question | None:
        """The request, if it is plainly right; else None, or any of the errors that `read` expects."""
        if self._decode is None:
            return None
        request = self._decode(body)
        one, many, options = request.features, request.rows, PLAIN
        if (one is _UNSET) is (many is _UNSET):
            return None
        rows: list[Any] = [_as_tuple(one)] if many is _UNSET else [_as_tuple(row) for row in many]
        strings = 1 + len(self._features) * len(rows)
        if request.options is not _UNSET or request.parameters is not _UNSET:
            if request.options is not _UNSET and request.parameters is not _UNSET:
                return None
            options = request.parameters if request.options is _UNSET else request.options
            strings += 1 + options.strings
        if self._unfinished:
            strings += self._finish(rows)
        # msgspec takes the last of two equal keys. More quotes than the values explain: look for such keys.
        if body.count(b'"') != 2 * strings:
            checks.refuse_repeated(body)
        return self._question(rows, many is _UNSET, options)

    def _thoroughly(self, body: bytes, first: int = 0) -> Question:
        rows, single, options = checks.read(body, self._features, first)
        try:
            return self._question(rows, single, options)
        except (ValueError, OverflowError) as error:
            raise RequestFault(422, checks.INVALID, "the rows do not make tensors: lists differ in length") from error

    def _finish(self, rows: list[Any]) -> int:
        """Give absent values their stand-ins, and text its meaning; how many strings more than keys the JSON had."""
        strings = 0
        for at, row in enumerate(rows):
            values_of_row = rows[at] = list(row)
            for place, feature, text in self._unfinished:
                value = values_of_row[place]
                if value is _UNSET or value is None:
                    strings -= value is _UNSET
                    values_of_row[place] = values.missing(feature)
                elif text:
                    strings += _leaves(value)
                    if feature.kind != "string":
                        values_of_row[place] = values.checked(feature, value)
        return strings

    def _question(self, rows: list[Any], single: bool, options: Options) -> Question:
        count = len(rows)
        if count * len(self._features) > self._elements:
            raise self._too_many()
        self._check_count(count)
        return Question(self._inputs_of(rows), count, single, options)

    def _check_count(self, count: int) -> None:
        if self._exactly and self._exactly != {count}:
            raise RequestFault(
                422, checks.INVALID, f"rows: {count} are sent, the model takes exactly {min(self._exactly)} at once"
            )

    def _inputs_of(self, rows: list[Any]) -> dict[str, Array]:
        if self._table is None:
            return self._tensors(rows)
        return {self._inputs[0].name: np.array(rows, self._table)}

    def _tensors(self, rows: list[Any]) -> dict[str, Array]:
        inputs: dict[str, Array] = {}
        left = self._elements
        for spec, feature, column in zip(self._inputs, self._features, zip(*rows, strict=True), strict=True):
            array = np.array(column, dtype_of(spec.datatype))
            left -= array.size
            if left < 0:
                raise self._too_many()
            inputs[spec.name] = _shaped(array, spec, feature.shape)
        return inputs

    def _too_many(self) -> RequestFault:
        return RequestFault(413, "TooManyElements", f"one request may have {self._elements} values; send fewer rows")


def _shaped(array: Array, spec: TensorSpec, row: tuple[int, ...]) -> Array:
    """Raises ValueError when rows differ in shape, or have another one than the model takes."""
    if not row:
        return array.reshape((len(array), *spec.shape[1:]) if spec.shape else ())
    actual = array.shape[1:]
    if len(actual) != len(row) or any(wanted not in (-1, length) for wanted, length in zip(row, actual, strict=True)):
        raise ValueError(f"rows of {actual}")
    return array


def _leaves(value: Any) -> int:
    return sum(map(_leaves, value)) if isinstance(value, list) else 1
