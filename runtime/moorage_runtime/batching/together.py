"""One run for several members: their rows one below the other, and each one's own part of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from moorage_runtime.batching.member import Member
from moorage_runtime.engines.engine import Cancel, Engine
from moorage_runtime.tensors import Array

Outputs = Mapping[str, Array]
ROWS_DIFFER, FAILED = "rows", "failed"


class RowsDiffer(Exception):
    """The model gave another number of rows than it got: its answers cannot be told apart."""


def run(engine: Engine, members: Sequence[Member], cancel: Cancel | None = None) -> Sequence[Outputs]:
    """The outputs of each member, in order. Raises `RowsDiffer`, and whatever the engine raises."""
    first = members[0]
    if len(members) == 1:
        return (engine.infer(first.inputs, first.outputs, cancel),)
    joined = {name: np.concatenate([member.inputs[name] for member in members]) for name in first.inputs}
    return parts(engine.infer(joined, first.outputs, cancel), [member.rows for member in members])


def parts(outputs: Outputs, rows: Sequence[int]) -> Sequence[Outputs]:
    """Views of the outputs, `rows[i]` rows for member i. Raises `RowsDiffer`."""
    total = sum(rows)
    for array in outputs.values():
        if not array.ndim or array.shape[0] != total:
            raise RowsDiffer
    if rows.count(rows[0]) == len(rows):
        columns = [_equal(array, len(rows), rows[0]) for array in outputs.values()]
    else:
        columns = [_unequal(array, rows) for array in outputs.values()]
    answers: list[dict[str, Array]] = [{} for _ in rows]
    for name, column in zip(outputs, columns, strict=True):
        for answer, part in zip(answers, column, strict=True):
            answer[name] = part
    return answers


def _equal(array: Array, members: int, rows: int) -> list[Array]:
    # numpy walks the first axis in C: a third of what slicing each part costs.
    return list(array.reshape((members, rows, *array.shape[1:])))


def _unequal(array: Array, rows: Sequence[int]) -> list[Array]:
    found, start = [], 0
    for length in rows:
        found.append(array[start : start + length])
        start += length
    return found


def why(error: Exception) -> str:
    """Why a run for several gave nothing of use: `ROWS_DIFFER` or `FAILED`."""
    return ROWS_DIFFER if isinstance(error, RowsDiffer) else FAILED
