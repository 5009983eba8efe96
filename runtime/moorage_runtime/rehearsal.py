"""The rehearsal: does the model answer several rows as it answers each alone, and what does a row cost?

Only what was seen is believed. A model whose file says that its first axis is open may still mix its rows, as one that
normalises over the batch does; its requests must not run together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from moorage_runtime.engines.engine import Engine
from moorage_runtime.tensors import Array, TensorSpec, difference

ROWS = 8
# Of the inputs of all rows together: the pod may have memory for little more than one large row, such as a picture.
_BYTES = 1 << 20
# Of the runs of one size: the quickest is the least disturbed, but who waits for many waits for the start.
_RUNS = 5
_SECONDS = 0.004
# A model this slow is not kept from its users any longer.
SLOW_SECONDS = 0.05
_COARSE = {"FP16": 1e-2, "BF16": 5e-2}
_TOLERANCE = 1e-4


class Rehearsal(msgspec.Struct, frozen=True):
    """`batchable`: several rows at once are answered as each is alone. `seconds_by_rows`: (rows, seconds of one run),
    by rising rows; empty where the model does not take rows, or is too slow to be asked again."""

    batchable: bool = False
    seconds_by_rows: tuple[tuple[int, float], ...] = ()


def rehearse(engine: Engine, inputs: Mapping[str, Array], clock: Callable[[], float]) -> Rehearsal:
    """Ask for one row of `inputs`, for another, and for eight of both in turn (two, if they are large). Never raises.

    `clock`: seconds, monotonic.
    """
    if not takes_rows(engine) or not all(array.shape[:1] > (0,) for array in inputs.values()):
        return Rehearsal()
    first = {name: array[:1] for name, array in inputs.items()}
    try:
        alone, seconds = _timed(engine, first, clock)
    except Exception:
        return Rehearsal()
    if seconds > SLOW_SECONDS:
        return Rehearsal(seconds_by_rows=((1, seconds),))
    try:
        second = _second(inputs)
        rows = ROWS if ROWS * sum(row.nbytes for row in first.values()) <= _BYTES else 2
        together, seconds_of_all = _timed(engine, _turns(first, second, rows), clock)
        wanted = _turns(alone, engine.infer(second), rows)
    except Exception:
        return Rehearsal(seconds_by_rows=((1, seconds),))
    one_each = all(array.shape[0] == 1 for array in alone.values())
    return Rehearsal(one_each and _agree(together, wanted, engine.outputs), ((1, seconds), (rows, seconds_of_all)))


def _turns(first: Mapping[str, Array], second: Mapping[str, Array], rows: int) -> dict[str, Array]:
    return {name: np.concatenate([first[name], second[name]] * (rows // 2)) for name in first}


def takes_rows(engine: Engine) -> bool:
    """Whether the first axis of every input and output is open."""
    specs = (*engine.inputs.values(), *engine.outputs.values())
    return bool(engine.inputs) and all(spec.shape[:1] == (-1,) for spec in specs)


def _timed(
    engine: Engine, inputs: Mapping[str, Array], clock: Callable[[], float]
) -> tuple[Mapping[str, Array], float]:
    began = clock()
    answer = engine.infer(inputs)
    ended = clock()
    best = ended - began
    for _ in range(_RUNS - 1):
        if ended - began > _SECONDS:
            break
        started = clock()
        engine.infer(inputs)
        ended = clock()
        best = min(best, ended - started)
    return answer, best


def _second(inputs: Mapping[str, Array]) -> dict[str, Array]:
    """A row that differs from the first: one of the example's own, else the first one moved a little."""
    for at in range(1, min(array.shape[0] for array in inputs.values())):
        if any(difference(array[at], array[0], 0.0) for array in inputs.values()):
            return {name: array[at : at + 1] for name, array in inputs.items()}
    moved = {name: _moved(array[:1]) for name, array in inputs.items() if array.dtype.kind != "O"}
    # Text is often one of few words; it is left alone where numbers can be moved instead.
    return {name: moved.get(name, array[:1] if moved else array[:1] + "a") for name, array in inputs.items()}


def _moved(row: Array) -> Array:
    if row.dtype.kind == "b":
        return ~row
    with np.errstate(all="ignore"):
        return np.asarray(row + row.dtype.type(1), row.dtype)


def _agree(together: Mapping[str, Array], wanted: Mapping[str, Array], specs: Mapping[str, TensorSpec]) -> bool:
    return all(
        difference(together[name], wanted[name], _COARSE.get(spec.datatype, _TOLERANCE)) is None
        for name, spec in specs.items()
    )
