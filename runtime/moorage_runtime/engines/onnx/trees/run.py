"""`session.run` for a model that is one forest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from moorage_runtime.engines.onnx.trees.graph import LABELS
from moorage_runtime.tensors import Array

# So many steps of a row, about 200 us of them, are worth waking up another thread for.
_SHARE = 400_000


class TreesRun:
    """Walks the forest, and leaves to `otherwise` what does not fit it: its answers, and its errors.

    `walk`: the kernel's. `source`: the model's only input. `outputs`: LABELS or SCORES, by the outputs' names. `width`:
    how many scores a row has. `words`: the classes' names; None where the kernel writes the classes themselves.
    `steps`: of one row through all trees. `threads`: how many share the rows of a large batch.
    """

    def __init__(
        self,
        walk: Callable[[Array, Array, Array], bool],
        otherwise: Callable[..., Any],
        source: str,
        outputs: Mapping[str, str],
        width: int,
        words: Array | None,
        steps: int,
        threads: int,
    ) -> None:
        self._walk = walk
        self._otherwise = otherwise
        self._source = source
        self._outputs = dict(outputs)
        self._width = width
        self._words = words
        self._steps = steps
        self._threads = threads
        self._others: ThreadPoolExecutor | None = None

    def __call__(self, names: Sequence[str], inputs: Mapping[str, Array], options: Any) -> Any:
        """The named outputs, in that order. Raises what `otherwise` raises."""
        rows = inputs.get(self._source)
        if rows is None or len(inputs) > 1 or not rows.ndim:
            return self._otherwise(names, inputs, options)
        count = len(rows)
        scores: Any = np.empty((count, self._width), np.float32)
        labels: Any = np.empty(count, np.int64)
        shares = min(self._threads, count * self._steps // _SHARE)
        walked = self._walk(rows, scores, labels) if shares <= 1 else self._shared(rows, scores, labels, shares)
        if not walked:
            return self._otherwise(names, inputs, options)
        if self._words is not None:
            labels = self._words[labels]
        kinds = self._outputs
        return [labels if kinds[name] == LABELS else scores for name in names]

    def _shared(self, rows: Array, scores: Array, labels: Array, shares: int) -> bool:
        """Each thread takes as many rows as the next; a row's answer is the same whoever walks it."""
        if self._others is None:
            self._others = ThreadPoolExecutor(self._threads - 1, "trees")
        ends = [len(rows) * share // shares for share in range(shares + 1)]
        parts = [(rows[at:to], scores[at:to], labels[at:to]) for at, to in pairwise(ends)]
        others = [self._others.submit(self._walk, *part) for part in parts[1:]]
        walked = self._walk(*parts[0])
        return all(other.result() for other in others) and walked
