"""From a model file to a forest that the kernel walks, and that answers as ONNX Runtime does."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from moorage_runtime.engines.onnx.trees import attributes, ending, graph, layout, probe
from moorage_runtime.engines.onnx.trees.run import TreesRun
from moorage_runtime.engines.onnx.trees.unfit import Unfit
from moorage_runtime.tensors import Array, TensorSpec

Infer = Callable[[Mapping[str, Array]], Mapping[str, Array]]


def suspected(model_file: Path) -> bool:
    """Whether the kernel might walk the model: there is a forest in the file, maybe one that it does not know."""
    try:
        with _mapped(model_file) as content:
            return graph.read(content) is not None
    except Unfit:
        return True
    except (OSError, ValueError, IndexError):
        return False


def plant(
    model_file: Path, inputs: Mapping[str, TensorSpec], infer: Infer, otherwise: Callable[..., Any], threads: int
) -> TreesRun:
    """What runs the model instead of `otherwise`, ONNX Runtime's `run`.

    `infer`: the engine's, in one thread, before it runs what this gives. `threads`: how many may share a large batch.
    Raises `Unfit` for a model that is left to ONNX Runtime.
    """
    node, outputs, given = _read(model_file)
    source = _only_input(node, inputs)
    last = ending.choose(node.operator, given)
    laid = layout.lay_out(given, source.shape[1], last)
    run = TreesRun(
        _walk(laid, source.shape[1], last),
        otherwise,
        source.name,
        outputs,
        last.scores,
        np.array(last.words, np.object_) if last.words else None,
        laid.steps,
        threads,
    )
    _check(run, source.name, probe.rows(laid, source.shape[1]), infer)
    return run


def _read(model_file: Path) -> tuple[graph.Node, dict[str, str], attributes.Attributes]:
    """The node of the forest, what its outputs are, and its attributes. Raises `Unfit`."""
    try:
        with _mapped(model_file) as content:
            found = graph.read(content)
            if found is None:
                raise Unfit("there is no forest in the model")
            return found.node, found.outputs, attributes.read(content, found.node)
    except (OSError, ValueError, IndexError) as error:
        # ONNX Runtime reads what this does not.
        raise Unfit("the model file is written in an unusual way") from error


@contextmanager
def _mapped(model_file: Path) -> Iterator[mmap.mmap]:
    with model_file.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def _only_input(node: graph.Node, inputs: Mapping[str, TensorSpec]) -> TensorSpec:
    spec = inputs.get(node.inputs[0]) if len(inputs) == 1 and node.inputs else None
    if spec is None or spec.datatype != "FP32" or len(spec.shape) != 2 or spec.shape[1] < 1:
        raise Unfit("its input is not the model's only one, FP32 with a fixed number of columns")
    return spec


def _walk(laid: layout.Layout, features: int, last: ending.Ending) -> Callable[[Array, Array, Array], bool]:
    try:
        from moorage_runtime.engines.onnx.trees.kernel import Forest
    except ImportError:
        raise Unfit("this runtime is not compiled") from None
    lists = {**msgspec.structs.asdict(laid), "bases": last.bases, "labels": last.labels}
    forest = Forest(features, last.transform, **lists)
    return forest.run


def _check(run: TreesRun, source: str, rows: Array, infer: Infer) -> None:
    """Raises `Unfit` where the two do not answer the same."""
    try:
        wanted = infer({source: rows})
    except Exception as error:
        raise Unfit(f"ONNX Runtime fails on what the two are compared by: {str(error)[:200]}") from error
    names = list(wanted)
    for portion in probe.portions():
        got = dict(zip(names, run(names, {source: rows[portion]}, None), strict=True))
        if not probe.same({name: array[portion] for name, array in wanted.items()}, got):
            raise Unfit("the kernel does not answer as ONNX Runtime does")
