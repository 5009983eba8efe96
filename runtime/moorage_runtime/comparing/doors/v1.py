"""Answers of V1: `predictions` by row, or `outputs` by column; several outputs are named, a lone one is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage_runtime.comparing.doors import plain
from moorage_runtime.comparing.told import Naming, Tensor, Unreadable
from moorage_runtime.routing.hooks import Reply


def read(reply: Reply, naming: Naming) -> list[Tensor]:
    """The tensors of an answer. Raises `Unreadable`."""
    told = plain.document(reply.body)
    if "predictions" in told:
        return _by_row(told["predictions"], naming)
    if "outputs" not in told:
        raise Unreadable("the answer has neither predictions nor outputs")
    found = told["outputs"]
    if isinstance(found, dict):
        return _named(found)
    return [plain.tensor("outputs", found, naming.only)]


def _by_row(rows: Any, naming: Naming) -> list[Tensor]:
    # A row with one key is a text that is not UTF-8.
    if isinstance(rows, list) and rows and all(isinstance(row, dict) and len(row) > 1 for row in rows):
        return _named(plain.columns("predictions", rows))
    return [plain.tensor("predictions", rows, naming.only)]


def _named(values: Mapping[str, Any]) -> list[Tensor]:
    return [plain.tensor(name, value) for name, value in values.items()]
