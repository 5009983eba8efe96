"""Which output of a model is what to people. It is decided once, when the model is loaded.

    a label for each row, beside probabilities      prediction: the label; probabilities, confidence
    a label beside an output for each class         the same, by the columns that skl2onnx names after the classes
    a label beside what has their name only         prediction: the label; outputs: {output: its row}
    probabilities alone                             prediction: the likeliest class; probabilities, confidence
    one other output                                prediction: its row
    several                                         prediction: {output: its row}

Probabilities are floats for each class, in an output that is called so or is as wide as the file's list of classes, and
that was between 0 and 1, and 1 in sum, when the model was tested. Scores, margins and distances are neither. A
probability of one column is that of the second of two classes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from moorage_runtime.tensors import TensorSpec

Labels = tuple[int | str, ...]
_LABELS = ("INT64", "INT32", "BYTES", "BOOL", "UINT8", "INT8")
_NAMED_SO = ("prob", "softmax")


class Roles(msgspec.Struct, frozen=True):
    """Outputs by what they say. `columns`: each the probability of one class, in their order. `others`: none of it."""

    label: str | None
    probabilities: str | None
    others: tuple[str, ...]
    columns: tuple[str, ...] = ()

    @property
    def likely(self) -> bool:
        """Whether there are probabilities."""
        return self.probabilities is not None or bool(self.columns)


def roles(outputs: Mapping[str, TensorSpec], classes: Labels | None, margins: Collection[str] = ()) -> Roles:
    """See the table of this module. `margins`: outputs that are no probabilities, whatever they are called."""
    labels = [name for name, spec in outputs.items() if spec.datatype in _LABELS and spec.shape[1:] in ((), (1,))]
    columns = _named_after(classes)
    if columns and labels and [*outputs] == [labels[0], *columns] and not set(columns) & set(margins):
        return Roles(labels[0], None, (), columns)
    named = [name for name, spec in outputs.items() if _is_row_of_floats(spec) and _named_so(name)]
    likely = named or [name for name, spec in outputs.items() if classes and _width(spec) == len(classes)]
    probabilities = likely[0] if len(likely) == 1 else None
    label = labels[0] if len(labels) == 1 and probabilities else None
    if probabilities in margins or (label is None and not named):
        probabilities = None
    return Roles(label, probabilities, tuple(name for name in outputs if name not in (label, probabilities)))


def _named_after(classes: Labels | None) -> tuple[str, ...]:
    return tuple(f"s{each}" if isinstance(each, str) else f"i{each}" for each in classes or ())


def _named_so(name: str) -> bool:
    return any(word in name.lower() for word in _NAMED_SO)


def _is_row_of_floats(spec: TensorSpec) -> bool:
    return spec.datatype.startswith("FP") and len(spec.shape) in (1, 2)


def _width(spec: TensorSpec) -> int:
    """How many floats a row has, 0 for what is no row of floats."""
    return spec.shape[1] if _is_row_of_floats(spec) and len(spec.shape) == 2 else 0
