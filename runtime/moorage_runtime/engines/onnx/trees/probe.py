"""Does the kernel answer as ONNX Runtime does? Asked at every load, where the forest's own thresholds make it hard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from moorage_runtime.engines.onnx.trees.layout import Layout
from moorage_runtime.tensors import Array

# A row alone, a few, some beyond a full company of 16, and the rest.
_SIZES = (1, 1, 1, 1, 2, 3, 9, 11, 16, 17, 35, 31)
ROWS = sum(_SIZES)
_SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30, 1e-40)


def rows(layout: Layout, features: int) -> Array:
    """FP32 [ROWS, features], the same for the same forest: thresholds, their neighbours, and what is no number."""
    found = np.zeros((ROWS, features), np.float32)
    number = np.arange(ROWS)
    by_column = np.argsort(layout.node_columns, kind="stable")
    ends = np.cumsum(np.bincount(layout.node_columns, minlength=len(layout.columns)))
    for column in range(1, len(layout.columns)):
        thresholds = layout.node_thresholds[by_column[ends[column - 1] : ends[column]]]
        drawn = thresholds[(number * 7919 + column * 104_729) % len(thresholds)]
        side = (number * 31 + column * 17) % 3
        near = np.nextafter(drawn, np.array([-np.inf, np.inf, 0.0], np.float32)[side])
        found[:, layout.columns[column, 0]] = np.where(side == 2, drawn, near)
    odd = (number[:, None] * 13 + np.arange(features) * 7) % 32
    return np.where(odd < len(_SPECIAL), np.array(_SPECIAL, np.float32)[odd % len(_SPECIAL)], found)


def portions() -> Iterator[slice]:
    """How they are asked: alone and in companies of all sizes."""
    ends = np.cumsum(_SIZES)
    return (slice(int(end) - size, int(end)) for end, size in zip(ends, _SIZES, strict=True))


def same(wanted: Mapping[str, Array], got: Mapping[str, Array]) -> bool:
    """Whether both answer the same, bit by bit."""
    return wanted.keys() == got.keys() and all(_alike(wanted[name], got[name]) for name in wanted)


def _alike(one: Array, other: Array) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return one.tolist() == other.tolist() if one.dtype == object else one.tobytes() == other.tobytes()
