"""`session.run` for a model that is one forest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from moorage_runtime.engines.onnx.trees.graph import LABELS
from moorage_runtime.tensors import Array


class TreesRun:
    """Walks the forest, and leaves to `otherwise` what does not fit it: its answers, and its errors.

    `walk`: the kernel's. `source`: the model's only input. `outputs`: LABELS or SCORES, by the outputs' names. `width`:
    how many scores a row has. `words`: the classes' names; None where the kernel writes the classes themselves.
    """

    def __init__(
        self,
        walk: Callable[[Array, Array, Array], bool],
        otherwise: Callable[..., Any],
        source: str,
        outputs: Mapping[str, str],
        width: int,
        words: Array | None,
    ) -> None:
        self._walk = walk
        self._otherwise = otherwise
        self._source = source
        self._outputs = dict(outputs)
        self._width = width
        self._words = words

    def __call__(self, names: Sequence[str], inputs: Mapping[str, Array], options: Any) -> Any:
        """The named outputs, in that order. Raises what `otherwise` raises."""
        rows = inputs.get(self._source)
        if rows is None or len(inputs) > 1 or not rows.ndim:
            return self._otherwise(names, inputs, options)
        count = len(rows)
        scores: Any = np.empty((count, self._width), np.float32)
        labels: Any = np.empty(count, np.int64)
        if not self._walk(rows, scores, labels):
            return self._otherwise(names, inputs, options)
        if self._words is not None:
            labels = self._words[labels]
        kinds = self._outputs
        return [labels if kinds[name] == LABELS else scores for name in names]
