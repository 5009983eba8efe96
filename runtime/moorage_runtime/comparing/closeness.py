"""When two numbers are as good as the same, whichever of them comes first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from moorage_runtime.tensors import Array

Truths = NDArray[np.bool_]
Numbers = NDArray[np.float64]

_FLOATS = frozenset({"FP16", "BF16", "FP32", "FP64"})
# Two steps of the type itself: no tolerance can ask for more.
_FINEST = {"FP16": 2e-3, "BF16": 1.6e-2, "FP32": 2.4e-7}


def is_float(datatype: str) -> bool:
    """Whether a tolerance makes sense for it."""
    return datatype in _FLOATS


def within(datatype: str, tolerance: float) -> float:
    """The tolerance that holds for numbers of this datatype."""
    return max(tolerance, _FINEST.get(datatype, 0.0))


def wide(array: Array) -> Numbers:
    """Any floats as FP64."""
    return array.astype(np.float64, copy=False)


def at_a_glance(left: Numbers, right: Numbers, tolerance: float) -> bool:
    """Whether all are close without a second look: most answers are. Infinities and NaN take one."""
    with np.errstate(all="ignore"):
        return bool((np.abs(left - right) <= tolerance).all())


def close(left: Numbers, right: Numbers, tolerance: float) -> Truths:
    """Where they differ by no more than `tolerance`, absolute or relative to the larger one; NaN is close to NaN."""
    with np.errstate(all="ignore"):
        largest = np.maximum(np.abs(left), np.abs(right))
        near = np.abs(left - right) <= tolerance * np.maximum(largest, 1.0)
    # Everything is within a part of infinity.
    same: Truths = (near & np.isfinite(largest)) | (left == right) | (np.isnan(left) & np.isnan(right))
    return same
