"""The test inference: what a model is asked before it may answer users, and whether it answered right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from moorage_runtime import chances, examples, rehearsal
from moorage_runtime.artifact import Example
from moorage_runtime.codecs.v2 import expected
from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.config import Limits, TestRequest
from moorage_runtime.engines import reasons
from moorage_runtime.engines.engine import Engine
from moorage_runtime.errors import LoadFault, RequestFault
from moorage_runtime.tensors import Array, TensorSpec, difference, zeros

TEST_REQUEST = "testRequest"
INPUT_EXAMPLE = "inputExample"
ZEROS = "zeros"
RUNS = 5
# A model that takes longer is asked no more often than it must.
_SECONDS = 0.1
# Below this, threads cost more than they save; a run of a small model ends before the second one has woken up.
_SERIAL_SECONDS = 0.0002


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked (`inputs` by name), where it came from, and what the answer must be (None: any answer)."""

    source: str
    inputs: Mapping[str, Array]
    expect: Mapping[str, Array] | None = None
    tolerance: float = 0.0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that the model passed: seconds of one run (the median), and the rows it had.

    `batchable`, `seconds_by_rows`: what the rehearsal found; the latter is never empty. `margins`: outputs that are no
    probabilities, whatever they are called.
    """

    source: str
    seconds: float
    rows: int
    batchable: bool = False
    seconds_by_rows: tuple[tuple[int, float], ...] = ()
    margins: frozenset[str] = frozenset()


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

    Outputs whose rank the model file leaves open get that of the answer. Raises `LoadFault` TestRequestFailed.
    `clock`: seconds, monotonic.
    """
    began, answer = clock(), _ask(trial, engine)
    if trial.expect is not None:
        _compare(answer, trial.expect, trial.tolerance)
    seconds = _seconds(trial, engine, began, clock)
    engine.outputs = _settled(engine.outputs, answer)
    rows = max(1, max((array.shape[0] for array in trial.inputs.values() if array.ndim), default=1))
    slow = seconds > rehearsal.SLOW_SECONDS
    found = rehearsal.Rehearsal() if slow else rehearsal.rehearse(engine, trial.inputs, clock)
    return Verdict(
        source=trial.source,
        seconds=seconds,
        rows=rows,
        batchable=found.batchable,
        seconds_by_rows=found.seconds_by_rows or ((rows, seconds),),
        margins=chances.margins(engine, trial.inputs, answer, ask=not slow),
    )


def fit(
    load: Callable[[int], Engine], threads: Sequence[int], ask: Callable[[Engine], Trial], clock: Callable[[], float]
) -> tuple[Engine, Verdict]:
    """Load a model with as many threads as pay, and try it; the quicker one stays. Raises `LoadFault`.

    `threads`: what to try, rising; the next only when a run is so slow that threads can make it quicker. `load`: by the
    number of threads; `ask`: what is asked of the engine.
    """
    engine = load(threads[0])
    verdict = run(ask(engine), engine, clock)
    for count in threads[1:]:
        if verdict.seconds <= _SERIAL_SECONDS:
            break
        other = load(count)
        told = run(ask(other), other, clock)
        if told.seconds < verdict.seconds:
            engine, other, verdict = other, engine, told
        other.close()
    return engine, verdict


def _seconds(trial: Trial, engine: Engine, began: float, clock: Callable[[], float]) -> float:
    """The median of the runs; the first, which `began` then, counts only when it must."""
    first = clock() - began
    seconds: list[float] = []
    while len(seconds) < RUNS - 1 and clock() - began <= _SECONDS:
        started = clock()
        _ask(trial, engine)
        seconds.append(clock() - started)
    return sorted(seconds)[len(seconds) // 2] if seconds else first


def _settled(specs: Mapping[str, TensorSpec], answer: Mapping[str, Array]) -> dict[str, TensorSpec]:
    return {
        name: spec
        if len(spec.shape) == answer[name].ndim
        else TensorSpec(name, spec.datatype, (-1,) * answer[name].ndim)
        for name, spec in specs.items()
    }


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
        inputs = Reader(engine.inputs, engine.outputs, Limits(), engine.optional).read(body).inputs
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
