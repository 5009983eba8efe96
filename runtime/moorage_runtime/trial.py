"""The test inference: what a model is asked before it may answer users, and whether it answered right."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from moorage_runtime import examples
from moorage_runtime.artifact import Example
from moorage_runtime.codecs.v2 import expected
from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.config import Limits, TestRequest
from moorage_runtime.engines import reasons
from moorage_runtime.engines.engine import Engine
from moorage_runtime.errors import LoadFault, RequestFault
from moorage_runtime.tensors import Array, datatype_of, zeros

TEST_REQUEST = "testRequest"
INPUT_EXAMPLE = "inputExample"
ZEROS = "zeros"
RUNS = 5


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked (`inputs` by name), where it came from, and what the answer must be (None: any answer)."""

    source: str
    inputs: Mapping[str, Array]
    expect: Mapping[str, Array] | None = None
    tolerance: float = 0.0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that the model passed: seconds of one run (the median), and the rows it had."""

    source: str
    seconds: float
    rows: int


def choose(request: TestRequest | None, example: Example | None, folder: Any, engine: Engine) -> Trial:
    """The user's test request, else the model's own example where it fits, else zeros. Raises `LoadFault`."""
    if request is not None:
        return _from_request(request, engine)
    if example is not None:
        inputs = examples.read(folder, example, engine.inputs)
        if inputs is not None:
            return Trial(source=INPUT_EXAMPLE, inputs=inputs)
    return Trial(source=ZEROS, inputs={name: zeros(spec) for name, spec in engine.inputs.items()})


def run(trial: Trial, engine: Engine, clock: Callable[[], float]) -> Verdict:
    """Ask the model several times, which also warms it up; the first answer must be the expected one.

    Raises `LoadFault` TestRequestFailed. `clock`: seconds, monotonic.
    """
    seconds = []
    for turn in range(RUNS):
        started = clock()
        answer = _ask(trial, engine)
        seconds.append(clock() - started)
        if turn == 0 and trial.expect is not None:
            _compare(answer, trial.expect, trial.tolerance)
    rows = max((array.shape[0] for array in trial.inputs.values() if array.ndim), default=1)
    return Verdict(source=trial.source, seconds=statistics.median(seconds), rows=max(1, rows))


def _ask(trial: Trial, engine: Engine) -> dict[str, Array]:
    try:
        return engine.infer(trial.inputs)
    except Exception as error:
        cure = "" if trial.source == TEST_REQUEST else "; give spec.testRequest an input that this model takes"
        raise LoadFault(
            reasons.TEST_REQUEST_FAILED,
            f"the model fails on its test request ({trial.source}): {str(error)[:500]}{cure}",
        ) from error


def _from_request(request: TestRequest, engine: Engine) -> Trial:
    body = msgspec.json.encode({"inputs": request.inputs})
    try:
        inputs = Reader(engine.inputs, engine.outputs, Limits()).read(body).inputs
        expect = _expected(request.expect, engine)
    except RequestFault as fault:
        raise LoadFault(
            reasons.TEST_REQUEST_INVALID, f"spec.testRequest does not fit the model: {fault.message}"
        ) from fault
    return Trial(source=TEST_REQUEST, inputs=inputs, expect=expect, tolerance=request.tolerance)


def _expected(expect: Sequence[Mapping[str, Any]] | None, engine: Engine) -> dict[str, Array] | None:
    if expect is None:
        return None
    return expected.read(msgspec.json.encode(expect), engine.outputs)


def _compare(got: Mapping[str, Array], expect: Mapping[str, Array], tolerance: float) -> None:
    for name, wanted in expect.items():
        problem = difference(got[name], wanted, tolerance)
        if problem:
            raise LoadFault(reasons.TEST_REQUEST_FAILED, f"output {name!r}{problem}")


def difference(got: Array, wanted: Array, tolerance: float) -> str | None:
    """The first place where two tensors differ, in words; None when they agree.

    Numbers may differ by `tolerance`, absolute or relative to the wanted one; NaN equals NaN; all else is exact.
    """
    if got.shape != wanted.shape:
        return f": expected shape {list(wanted.shape)}, got {list(got.shape)}"
    if wanted.dtype.kind == "f":
        left, right = got.astype(np.float64), wanted.astype(np.float64)
        same = np.isclose(left, right, rtol=tolerance, atol=tolerance, equal_nan=True)
    else:
        same = np.asarray(got == wanted)
    if same.all():
        return None
    at = tuple(int(place) for place in np.argwhere(~same)[0])
    where = f"[{', '.join(map(str, at))}]" if at else ""
    within = f" within {tolerance:g}" if datatype_of(wanted).startswith("FP") else ""
    return f"{where}: expected {wanted[at]!s:.100}{within}, got {got[at]!s:.100}"
