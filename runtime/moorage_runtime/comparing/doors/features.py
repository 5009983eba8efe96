"""Answers of the plain API: a prediction for each row, and what belongs to it.

    prediction      one value, or several by output
    probabilities   by class, or in the order of classes without names
    confidence      the greatest of them
    outputs         what else the model gives, by output

Request ids, latency and version are no part of what a model says.
"""

from __future__ import annotations

from typing import Any

from moorage_runtime.comparing.doors import plain
from moorage_runtime.comparing.told import Naming, Tensor, Unreadable
from moorage_runtime.routing.hooks import Reply

CONFIDENCE = "confidence"


def read(reply: Reply, naming: Naming) -> list[Tensor]:
    """The tensors of an answer. Raises `Unreadable`."""
    told = plain.document(reply.body)
    rows = told.get("predictions", [told])
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Unreadable("the answer has no predictions")
    found = _prediction(_each("prediction", rows), naming)
    if "probabilities" in rows[0]:
        found += _probabilities(_each("probabilities", rows), naming.probabilities)
    if CONFIDENCE in rows[0]:
        found.append(plain.tensor(CONFIDENCE, _each(CONFIDENCE, rows), naming.probabilities))
    if "outputs" in rows[0]:
        found += _by_key("outputs", _each("outputs", rows))
    return found


def _each(key: str, rows: list[dict[str, Any]]) -> list[Any]:
    if any(key not in row for row in rows):
        raise Unreadable(f"a row has no {key}")
    return [row[key] for row in rows]


def _prediction(values: list[Any], naming: Naming) -> list[Tensor]:
    if all(isinstance(value, dict) for value in values):
        return _by_key("prediction", values)
    return [plain.tensor("prediction", values, naming.prediction)]


def _probabilities(values: list[Any], output: str) -> list[Tensor]:
    """Who reads them by class does not mind the order of classes."""
    if not all(isinstance(value, dict) for value in values):
        return [plain.tensor("probabilities", values, output)]
    by_class = plain.columns("probabilities", values)
    rows = [list(row) for row in zip(*by_class.values(), strict=True)]
    classes = plain.tensor("classes", list(by_class), output)
    return [classes, plain.tensor("probabilities", rows, output)]


def _by_key(name: str, values: list[Any]) -> list[Tensor]:
    if not all(isinstance(value, dict) for value in values):
        raise Unreadable(f"{name!r} holds no objects")
    return [plain.tensor(key, column) for key, column in plain.columns(name, values).items()]
