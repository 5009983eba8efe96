"""The model's outputs to an answer of the plain API, by their roles."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from moorage_runtime.codecs.features.question import Question
from moorage_runtime.codecs.features.roles import Labels, Roles, roles
from moorage_runtime.codecs.slices import GREAT_ELEMENTS, SLICE_ELEMENTS
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array, TensorSpec

_encode = msgspec.json.Encoder().encode
_TEXT = frozenset("OSU")
# What a row costs beside its elements, in elements.
_WEIGHT = 2


class Writer:
    """Writes the answers of one version. `classes`: the class names in the order of the probabilities, if known;
    `margins`: see `roles`."""

    def __init__(
        self,
        outputs: Mapping[str, TensorSpec],
        classes: Labels | None,
        version: str,
        margins: Collection[str] = (),
    ) -> None:
        self.roles = roles(outputs, classes, margins)
        self._version = version
        self._classes = classes
        self._names = tuple(map(str, classes)) if classes else ()

    def write(self, question: Question, outputs: Mapping[str, Array], request_id: str, seconds: float) -> bytes:
        """The answer to a question. Raises `RequestFault` 500 when an output does not have a row for each row sent."""
        answers = self._answers(question, outputs, question.rows)
        told: dict[str, Any] = answers[0] if question.single else {"predictions": answers}
        told |= self._about(question, request_id, seconds)
        return _encode(told)

    def _about(self, question: Question, request_id: str, seconds: float) -> dict[str, Any]:
        return {
            "version": self._version,
            "requestId": question.options.request_id or request_id,
            "latencyMs": int(seconds * 1e6) / 1000,
        }

    def takes_long(self, question: Question, outputs: Mapping[str, Array]) -> bool:
        """Whether others should have their turn while this answer is written."""
        return question.rows > 1 and any(array.size > GREAT_ELEMENTS for array in outputs.values())

    def steps(
        self, question: Question, outputs: Mapping[str, Array], request_id: str, seconds: float
    ) -> Steps[list[bytes]]:
        """The same answer in parts and in steps."""
        count = question.rows
        for name, array in outputs.items():
            _check_rows(name, array, count)
        rows = max(1, SLICE_ELEMENTS * count // sum(_WEIGHT * count + array.size for array in outputs.values()))
        parts = []
        for at in range(0, count, rows):
            some = {name: array[at : at + rows] for name, array in outputs.items()}
            answers = _encode(self._answers(question, some, min(rows, count - at)))
            parts.append(b"%b%b" % (b"," if at else b'{"predictions":[', answers[1:-1]))
            yield
        parts.append(b"],%b" % _encode(self._about(question, request_id, seconds))[1:])
        return parts

    def _answers(self, question: Question, outputs: Mapping[str, Array], count: int) -> list[dict[str, Any]]:
        found = self.roles
        if found.likely:
            answers = self._classified(found, question, outputs, count)
        elif found.label is not None:
            answers = [{"prediction": label} for label in _by_row(found.label, outputs, count)]
        else:
            return [{"prediction": value} for value in self._values(found.others, outputs, count)]
        if found.others:
            values = self._values(found.others, outputs, count)
            for answer, value in zip(answers, values, strict=True):
                answer["outputs"] = value if len(found.others) > 1 else {found.others[0]: value}
        return answers

    def _classified(
        self, found: Roles, question: Question, outputs: Mapping[str, Array], count: int
    ) -> list[dict[str, Any]]:
        told = question.options.return_probabilities is not False
        chances: list[Any]
        if found.columns:
            chances = [
                list(row) for row in zip(*(_by_row(name, outputs, count) for name in found.columns), strict=True)
            ]
        else:
            chances = _by_row(found.probabilities or "", outputs, count)
        if not isinstance(chances[0], list) or len(chances[0]) < 2:
            chances = [_two_sided(row) for row in chances]
        if found.label:
            labels = _by_row(found.label, outputs, count)
        else:
            labels = [self._class(row.index(max(row))) for row in chances]
        if not told:
            return [{"prediction": label, "confidence": max(row)} for label, row in zip(labels, chances, strict=True)]
        return [
            {"prediction": label, "probabilities": self._by_class(row), "confidence": max(row)}
            for label, row in zip(labels, chances, strict=True)
        ]

    def _by_class(self, chances: list[float]) -> dict[str, float] | list[float]:
        names = self._names
        return dict(zip(names, chances, strict=True)) if len(names) == len(chances) else chances

    def _class(self, place: int) -> int | str:
        return self._classes[place] if self._classes and place < len(self._classes) else place

    @staticmethod
    def _values(names: Sequence[str], outputs: Mapping[str, Array], count: int) -> list[Any]:
        """For each row the one output's value, or the values of several by name."""
        columns = {name: _by_row(name, outputs, count) for name in names}
        if len(columns) == 1:
            return next(iter(columns.values()))
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _two_sided(value: Any) -> list[float]:
    second = (value[0] if value else float("nan")) if isinstance(value, list) else value
    return [1.0 - second, second]


def _by_row(name: str, outputs: Mapping[str, Array], count: int) -> list[Any]:
    """An output as one value for each row, a scalar where a row has one element."""
    array = outputs[name]
    if not array.ndim or len(array) != count:
        if count != 1:
            raise _not_by_row(name)
        array = array.reshape((1, *array.shape))
    found: list[Any] = array.tolist()
    if array.ndim == 2 and array.shape[1] == 1:
        found = [row[0] for row in found]
    return _text(found) if array.dtype.kind in _TEXT else found


def _check_rows(name: str, array: Array, count: int) -> None:
    if not array.ndim or len(array) != count:
        raise _not_by_row(name)


def _not_by_row(name: str) -> RequestFault:
    return RequestFault(
        500, "OutputNotByRow", f"the model's output {name!r} has no row for each row; send one row at a time"
    )


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(item) for item in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
