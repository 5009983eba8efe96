"""The first thing in which two answers differ, told so that it may be shown: an output, a place, the two values.

A sentence has no inputs, and no text of more than `TEXT` characters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from moorage_runtime.comparing import order
from moorage_runtime.comparing.closeness import at_a_glance, close, is_float, wide, within
from moorage_runtime.comparing.told import Tensor
from moorage_runtime.config import Compare

TEXT = 40
_NAME = 60


def between(other: Sequence[Tensor], own: Sequence[Tensor], rule: Compare) -> str | None:
    """How the other version's tensors differ from the own ones, in any order; None when they say the same."""
    others, owns = _by_name(other), _by_name(own)
    for name in owns:
        if name not in others:
            return f"{_named(name)}: is missing"
    for name in others:
        if name not in owns:
            return f"{_named(name)}: is not in the stable version's answer"
    found = (_of_one(tensor, owns[name], rule) for name, tensor in others.items())
    return next((words for words in found if words is not None), None)


def _by_name(tensors: Sequence[Tensor]) -> Mapping[str, Tensor]:
    return {tensor.name: tensor for tensor in tensors}


def _of_one(other: Tensor, own: Tensor, rule: Compare) -> str | None:
    name = _named(own.name)
    if other.datatype != own.datatype:
        return f"{name}: {other.datatype:.16} instead of {own.datatype}"
    if other.array.shape != own.array.shape:
        return f"{name}: shape {_shape(other)} instead of {_shape(own)}"
    found = _of_numbers(other, own, rule) if is_float(own.datatype) else _of_others(other, own)
    return None if found is None else name + found


def _of_numbers(other: Tensor, own: Tensor, rule: Compare) -> str | None:
    left, right = wide(other.array), wide(own.array)
    tolerance = within(own.datatype, rule.tolerance)
    if at_a_glance(left, right, tolerance):
        return None
    if rule.top_k is not None and order.of_scores(right.shape):
        return order.difference(left, right, rule.top_k, tolerance)
    same = close(left, right, tolerance)
    if same.all():
        return None
    with np.errstate(all="ignore"):
        apart = np.where(same, -1.0, np.nan_to_num(np.abs(left - right), nan=np.inf, posinf=np.inf))
    at = np.unravel_index(int(apart.argmax()), apart.shape)
    return f"{_place(at)}: {left[at]:.9g} instead of {right[at]:.9g}"


def _of_others(other: Tensor, own: Tensor) -> str | None:
    same = np.asarray(other.array == own.array)
    if same.all():
        return None
    at = tuple(np.argwhere(~same)[0])
    return f"{_place(at)}: {_value(other.array[at])} instead of {_value(own.array[at])}"


def _value(value: object) -> str:
    if not isinstance(value, str):
        return f"{value!s:.{TEXT}}"
    return repr(value) if len(value) <= TEXT else f"{value[: TEXT - 1]!r}…"


def _shape(tensor: Tensor) -> str:
    return str(list(tensor.array.shape))[:TEXT]


def _place(at: Sequence[np.intp] | tuple[np.intp, ...]) -> str:
    return f"[{', '.join(map(str, at))}]" if at else ""


def _named(name: str) -> str:
    short = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
    return short if short.isprintable() else repr(short)
