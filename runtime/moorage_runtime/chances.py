"""Whether what looks like probabilities can be any: the margins of a support vector machine have their name and shape.

Only what was seen is believed: a row that leaves 0 to 1, or whose classes do not add up to 1, is none of probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from moorage_runtime.engines.engine import Engine
from moorage_runtime.tensors import Array, TensorSpec

# Half precision adds up this badly.
_TOLERANCE = 0.02
# Margins grow with the distance from what the model knows, probabilities do not.
_FAR = 1e3
_FLOATS = ("FP32", "FP64")


def margins(
    engine: Engine, inputs: Mapping[str, Array], answer: Mapping[str, Array], *, ask: bool = True
) -> frozenset[str]:
    """The outputs with a float, or some, for each row that are no probabilities: so `answer`, to `inputs`, tells, or,
    where the model may be asked again (`ask`), its answer to numbers far away. Never raises.
    """
    found = _refuted(answer)
    if not ask or found == _rows_of_floats(answer).keys() or not _may_be_moved(engine.inputs):
        return found
    for sign in (1.0, -1.0):
        try:
            found |= _refuted(engine.infer({name: _far(array, sign) for name, array in inputs.items()}))
        except Exception:
            return found
    return found


def _refuted(answer: Mapping[str, Array]) -> frozenset[str]:
    return frozenset(name for name, array in _rows_of_floats(answer).items() if not _may_be_chances(array))


def _rows_of_floats(answer: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array for name, array in answer.items() if array.dtype.kind == "f" and array.ndim in (1, 2)}


def _may_be_chances(array: Array) -> bool:
    rows = np.asarray(array, np.float64).reshape(len(array), -1)
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not rows.size:
        return True
    if rows.min() < -_TOLERANCE or rows.max() > 1 + _TOLERANCE:
        return False
    return rows.shape[1] == 1 or bool((abs(rows.sum(axis=1) - 1) <= _TOLERANCE).all())


def _may_be_moved(specs: Mapping[str, TensorSpec]) -> bool:
    """Tables only: what else is a float may be the size of something."""
    return bool(specs) and all(spec.datatype in _FLOATS and len(spec.shape) == 2 for spec in specs.values())


def _far(array: Array, sign: float) -> Array:
    steps = np.arange(1, array.shape[1] + 1, dtype=array.dtype) % 7 + 1
    return np.asarray(array[:1] + steps * array.dtype.type(sign * _FAR), array.dtype)
