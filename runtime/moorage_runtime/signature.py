"""From what the author declared and what the engine takes, to the features that a user names.

A model with one table of numbers or text ([?, n]) takes a feature per column, in the columns' order; any other model a
feature per input. Where the author declared nothing usable, the example's columns give the names, else `f0`, `f1`, ...

The engine has the last word on what an element can be: a declared kind that the tensor cannot hold gives way to the
tensor's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from moorage_runtime.artifact import Column, Signature
from moorage_runtime.tensors import TensorSpec

# Wider tables without names are one feature, a list.
NAMELESS_COLUMNS = 1000
_KINDS = {
    "BOOL": "boolean",
    "BYTES": "string",
    "FP16": "float",
    "BF16": "float",
    "FP32": "float",
    "FP64": "double",
    "INT32": "integer",
}
_NUMBERS = frozenset({"double", "float", "integer", "long", "boolean"})
_WHOLE = frozenset({"integer", "long", "boolean"})
_TEXT = frozenset({"string", "binary", "datetime"})
_INT32, _INT64 = 2**31, 2**63
_OVERFLOWS = {
    # The least number that rounds to infinity.
    "FP16": 65520.0,
    "BF16": 3.396e38,
    "FP32": 3.4028235677973366e38,
}


class Feature(msgspec.Struct, frozen=True):
    """One named value of a row.

    `kind`: of `artifact.KINDS`. `shape`: of one row's value, () for a scalar, -1 where any length fits.
    `required` False: it may be absent or null, and the model then gets NaN, or empty text.
    """

    name: str
    kind: str
    datatype: str
    required: bool = True
    shape: tuple[int, ...] = ()

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the greatest whole number that fits; None for any other kind."""
        if self.kind not in ("integer", "long"):
            return None
        least, most = _integers(self.datatype)
        if self.kind == "integer":
            return max(least, -_INT32), min(most, _INT32 - 1)
        return least, most

    @property
    def overflow(self) -> float | None:
        """The least number that is too large; None where all that JSON can write fits, or for any other kind."""
        if self.kind not in ("float", "double"):
            return None
        return _OVERFLOWS.get(self.datatype, _OVERFLOWS["FP32"] if self.kind == "float" else None)


class Layout(msgspec.Struct, frozen=True):
    """Where the features go: `table` True: each into its column of the one input, else each into its own input."""

    features: tuple[Feature, ...]
    inputs: tuple[TensorSpec, ...]
    table: bool


def layout(
    signature: Signature | None, specs: Mapping[str, TensorSpec], columns: Sequence[str] | None = None
) -> Layout:
    """The features of a model with these inputs. `columns`: the names in its input example, if that is a data frame."""
    declared = signature.inputs if signature else ()
    inputs = tuple(specs.values())
    if len(inputs) == 1:
        table = _table(declared, inputs[0], columns)
        if table is not None:
            return table
    named = {column.name: column for column in declared if column.name}
    if len(inputs) == 1 and len(declared) == 1:
        named = {inputs[0].name: declared[0]}
    if set(named) != set(specs):
        named = {}
    return Layout(tuple(_feature(spec, named.get(spec.name)) for spec in inputs), inputs, table=False)


def plain(spec: TensorSpec) -> Feature:
    """An input as the engine takes it, batch and all: its whole shape, the kind of its own elements."""
    return msgspec.structs.replace(_scalar(spec.name, None, spec.datatype), shape=spec.shape)


def _table(declared: Sequence[Column], spec: TensorSpec, columns: Sequence[str] | None) -> Layout | None:
    """One feature per column of a [?, n]; None when the input is no such table, or its width is not known."""
    if len(spec.shape) != 2:
        return None
    width = spec.shape[1]
    scalars = [column for column in declared if not column.shape and (column.name or len(declared) > 1)]
    names = {column.name for column in scalars}
    if len(scalars) == len(declared) and scalars and width in (-1, len(scalars)):
        named = len(names) == len(scalars)
        features = [
            _scalar(column.name if named else f"f{at}", column, spec.datatype) for at, column in enumerate(scalars)
        ]
    elif columns and len(set(columns)) == len(columns) and width in (-1, len(columns)):
        features = [_scalar(name, None, spec.datatype) for name in columns]
    elif 1 < width <= NAMELESS_COLUMNS:
        features = [_scalar(f"f{at}", None, spec.datatype) for at in range(width)]
    else:
        return None
    return Layout(tuple(features), (spec,), table=True)


def _feature(spec: TensorSpec, column: Column | None) -> Feature:
    """One input as a feature; a row of [?] or [?, 1] is a scalar."""
    shape = () if spec.shape[1:] in ((), (1,)) else spec.shape[1:]
    name = (column.name if column else "") or spec.name
    scalar = _scalar(name, column, spec.datatype)
    return msgspec.structs.replace(scalar, shape=shape, required=scalar.required or bool(shape))


def _scalar(name: str, column: Column | None, datatype: str) -> Feature:
    kind = column.kind if column and _holds(datatype, column.kind) else _KINDS.get(datatype, "long")
    # Only floats have a value for what is missing, and text can be empty.
    optional = column is not None and not column.required and (datatype == "BYTES" or datatype.startswith(("FP", "BF")))
    return Feature(name, kind, datatype, required=not optional)


def _holds(datatype: str, kind: str) -> bool:
    if datatype == "BYTES":
        return kind in _TEXT
    if datatype == "BOOL":
        return kind == "boolean"
    if datatype.startswith(("FP", "BF")):
        return kind in _NUMBERS
    return kind in _WHOLE or (kind == "datetime" and datatype == "INT64")


def _integers(datatype: str) -> tuple[int, int]:
    """The least and the greatest whole number that a tensor holds without becoming infinite."""
    if datatype == "FP16":
        return -65519, 65519
    if not datatype.startswith(("INT", "UINT")):
        return -_INT64, _INT64 - 1
    bits = int(datatype.removeprefix("U").removeprefix("INT"))
    return (0, 2**bits - 1) if datatype[0] == "U" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
