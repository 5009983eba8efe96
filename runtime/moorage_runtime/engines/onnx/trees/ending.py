"""What becomes of a row's sums: scores, and the class that has the highest.

The formulas are ONNX Runtime's, which says more than the standard does; what it does besides is left to it.
"""

from __future__ import annotations

import msgspec
import numpy as np

from moorage_runtime.engines.onnx.trees.attributes import Attributes
from moorage_runtime.engines.onnx.trees.graph import CLASSIFIER
from moorage_runtime.engines.onnx.trees.lists import distinct
from moorage_runtime.engines.onnx.trees.unfit import Unfit
from moorage_runtime.tensors import Array

# The kernel's own numbers for them.
_SUMS, _POSITIVE, _LOGISTIC, _POSITIVE_LOGISTIC, _CLASSES, _CLASSES_LOGISTIC, _CLASSES_SOFTMAX = range(7)
_OF_CLASSES = {"NONE": _CLASSES, "LOGISTIC": _CLASSES_LOGISTIC, "SOFTMAX": _CLASSES_SOFTMAX}
_OF_TWO = {(True, "NONE"): _POSITIVE, (True, "LOGISTIC"): _POSITIVE_LOGISTIC, (False, "LOGISTIC"): _LOGISTIC}
TARGETS = 128


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """`width`: how many sums a row has. `scores`: how many scores. `bases` FP32 [width]: what is added to the sums.
    `labels` INT64 [scores], empty for a regressor: what the kernel writes for a class; `words`: the names to put there.
    """

    transform: int
    width: int
    scores: int
    bases: Array
    labels: Array
    words: tuple[str, ...] = ()


def choose(operator: str, given: Attributes) -> Ending:
    """Raises `Unfit` for what ends otherwise."""
    if operator != CLASSIFIER:
        return _of_regressor(given)
    words = given.labels if isinstance(given.labels, tuple) else ()
    labels = np.arange(len(words)) if isinstance(given.labels, tuple) else given.labels
    if len(labels) == 2 and len(distinct(given.weight_targets)) == 1:
        return _of_two(given, labels, words)
    if not 3 <= len(labels) <= TARGETS:
        raise Unfit(f"it tells {len(labels)} classes by a sum for each; the kernel takes 3 to {TARGETS}")
    if given.post_transform not in _OF_CLASSES:
        raise _unknown(given)
    return Ending(
        transform=_OF_CLASSES[given.post_transform],
        width=len(labels),
        scores=len(labels),
        bases=_bases(given, len(labels)),
        labels=labels,
        words=words,
    )


def _of_two(given: Attributes, labels: Array, words: tuple[str, ...]) -> Ending:
    """One sum tells the second class: by more than a half where no weight is negative, else by its sign.

    So it is with the logistic function, too, which is told but does not judge.
    """
    if np.any(given.weight_targets):
        raise Unfit("its only sum is the second class's")
    positive = bool(np.all(given.weights >= 0))
    transform = _OF_TWO.get((positive, given.post_transform))
    if transform is None:
        raise _unknown(given)
    return Ending(transform=transform, width=1, scores=2, bases=_bases(given, 1), labels=labels, words=words)


def _of_regressor(given: Attributes) -> Ending:
    if given.post_transform != "NONE":
        raise _unknown(given)
    if given.aggregate != "SUM":
        raise Unfit(f"the kernel does not know the aggregate function {given.aggregate}")
    width = given.targets
    if not 1 <= width <= TARGETS:
        raise Unfit(f"it has {width} targets; the kernel takes 1 to {TARGETS}")
    return Ending(transform=_SUMS, width=width, scores=width, bases=_bases(given, width), labels=np.zeros(0, np.int64))


def _bases(given: Attributes, width: int) -> Array:
    if len(given.base_values) == 0:
        return np.zeros(width, np.float32)
    if len(given.base_values) != width or not np.all(np.isfinite(given.base_values)):
        raise Unfit(f"{len(given.base_values)} base values for {width} sums, or one that is not a number")
    return given.base_values


def _unknown(given: Attributes) -> Unfit:
    return Unfit(f"the kernel does not know the transform {given.post_transform} here")
