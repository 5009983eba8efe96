"""One ONNX model in one session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from moorage_runtime.engines import reasons
from moorage_runtime.engines.engine import Cancel, Kernel
from moorage_runtime.engines.onnx import kinds, trees, words
from moorage_runtime.engines.onnx.arena import SHRINKING, Arena
from moorage_runtime.engines.onnx.bfloat import BfloatRun
from moorage_runtime.errors import LoadFault, RequestFault
from moorage_runtime.tensors import Array, TensorSpec

INVALID = "InvalidRequest"
ONNX_RUNTIME, TREES = Kernel("onnxruntime"), Kernel("trees")


class OnnxEngine:
    """A model as ONNX Runtime runs it.

    `optional`: inputs with a default in the model file, which a call may give or leave out. `classes`: for outputs that
    come as maps, the maps' keys in the order of the tensor's columns; known after the first run.
    """

    platform = "onnxruntime_onnxv1"

    def __init__(self, ort: Any, session: Any, arena: Arena | None = None) -> None:
        outputs = {value.name: kinds.output_spec(value) for value in session.get_outputs()}
        self.inputs: Mapping[str, TensorSpec] = {v.name: kinds.input_spec(v) for v in session.get_inputs()}
        self.optional: Mapping[str, TensorSpec] = {
            value.name: kinds.input_spec(value)
            for value in session.get_overridable_initializers()
            if kinds.is_tensor(value)
        }
        self.outputs: Mapping[str, TensorSpec] = {name: spec for name, (spec, _) in outputs.items()}
        self.classes: dict[str, tuple[Any, ...]] = {}
        self._sequences = {name: how for name, (_, how) in outputs.items() if how != kinds.PLAIN}
        self._texts = [s.name for s in (*self.inputs.values(), *self.optional.values()) if s.datatype == "BYTES"]
        self._symbols = kinds.symbols(session.get_inputs())
        self._all = list(self.outputs)
        self._new_options = ort.RunOptions
        self._arena = arena
        self._refusals = (ort.capi.onnxruntime_pybind11_state.InvalidArgument, UnicodeError)
        self._run: Any = self._runner(ort, session)
        self.kernel = ONNX_RUNTIME

    def plant(self, model_file: Path, threads: int) -> None:
        """Have the kernel walk the model from here on, if it is a forest that it knows; the session has one thread.

        `threads`: how many may share the rows of a large batch.
        """
        try:
            self._run = trees.plant(model_file, self.inputs, self.infer, self._run, threads)
            self.kernel = TREES
        except trees.Unfit as unfit:
            self.kernel = Kernel(ONNX_RUNTIME.name, str(unfit))

    def infer(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None, cancel: Cancel | None = None
    ) -> dict[str, Array]:
        """Run the model once, in this thread and the session's own; a cancelled run ends at its next operator.

        Raises `RequestFault` 400 when the inputs are to blame; else whatever ONNX Runtime raises.
        """
        names = self._all if outputs is None else list(outputs)
        shrink = self._arena is not None and self._arena.must_shrink(inputs)
        options = self._options(cancel, shrink) if shrink or cancel is not None else None
        if self._texts:
            inputs = self._readable(inputs)
        elif type(inputs) is not dict:
            inputs = dict(inputs)
        try:
            values = dict(zip(names, self._run(names, inputs, options)))  # noqa: B905 - to check that costs 0.5 us
        except Exception as error:
            raise self._blamed(error, inputs) from error
        return self._gathered(values) if self._sequences else values

    def close(self) -> None:
        """Drop the session, and with it the weights."""
        self._run = None

    def _runner(self, ort: Any, session: Any) -> Callable[..., Any]:
        specs = (*self.inputs.values(), *self.optional.values(), *self.outputs.values())
        if all(spec.datatype != "BF16" for spec in specs):
            # What `session.run` adds is 1.3 us of checks for graphics processors and of names that are checked already.
            run: Callable[..., Any] = session._sess.run
            return run
        if self._texts or self._sequences:
            raise LoadFault(
                reasons.TENSOR_UNSUPPORTED, "ONNX Runtime cannot be given BF16 together with text or sequences"
            )
        return BfloatRun(ort, session)

    def _options(self, cancel: Cancel | None, shrink: bool) -> Any:
        options = self._new_options()
        if shrink:
            options.add_run_config_entry(*SHRINKING)
        if cancel is not None:
            cancel.on_call(lambda: setattr(options, "terminate", True))
        return options

    def _readable(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """ONNX Runtime takes text as `str`; of bytes it would make text like `b'...'`."""
        return {name: _text(name, array) if name in self._texts else array for name, array in inputs.items()}

    def _gathered(self, values: dict[str, Any]) -> dict[str, Array]:
        for name, how in self._sequences.items():
            if name not in values:
                continue
            found, datatype = values[name], self.outputs[name].datatype
            if isinstance(found, np.ndarray):
                # A kernel of ours makes no maps.
                continue
            if how == kinds.TENSORS:
                values[name] = kinds.from_tensors(name, found, datatype)
                continue
            if found and name not in self.classes:
                self.classes[name] = tuple(found[0])
            values[name] = kinds.from_maps(found, datatype)
        return values

    def _blamed(self, error: Exception, inputs: Mapping[str, Array]) -> Exception:
        """The error as the client's own where that is certain."""
        for symbol, places in self._symbols.items():
            lengths = {inputs[name].shape[axis] for name, axis in places if inputs[name].ndim > axis}
            if len(lengths) > 1:
                told = " and ".join(f"{inputs[name].shape[axis]} in {name!r}" for name, axis in places)
                return RequestFault(400, INVALID, f"inputs: the length {symbol!r} is {told}; it must be the same")
        if isinstance(error, self._refusals):
            return RequestFault(400, INVALID, f"inputs: the model refuses them: {words.of_run(error)}")
        return error


def _text(name: str, array: Array) -> Array:
    flat = array.ravel()
    if array.dtype.kind == "O" and all(type(item) is str for item in flat):
        return array
    try:
        texts = [item.decode() if isinstance(item, bytes) else str(item) for item in flat.tolist()]
    except UnicodeDecodeError as error:
        raise RequestFault(400, INVALID, f"inputs: {name!r} holds bytes that are no UTF-8 text") from error
    return np.array(texts, np.object_).reshape(array.shape)
