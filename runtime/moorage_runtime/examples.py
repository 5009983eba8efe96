"""From the input example that MLflow keeps beside a model to the model's own inputs.

MLflow writes an example as a data frame (`columns` and `data`, plain or under `dataframe_split`), as one array, or as
one array per input (under `inputs`, or bare). A data frame's columns become the inputs of the same names, one column
each; or, for a model with one input, its row of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from moorage_runtime.artifact import Example, read_json
from moorage_runtime.tensors import Array, TensorSpec, dtype_of, fits

EXAMPLE_BYTES = 16 << 20


def read(folder: Path, example: Example, specs: Mapping[str, TensorSpec]) -> dict[str, Array] | None:
    """The example as the model's inputs; None when it is of another kind, or does not fit the model."""
    for path in (example.serving_path, example.path):
        if path is None:
            continue
        try:
            found = tensors(read_json(folder / path, EXAMPLE_BYTES), specs)
        except (OSError, ValueError, TypeError, OverflowError):
            continue
        if found is not None:
            return found
    return None


def columns(folder: Path, example: Example) -> tuple[str, ...] | None:
    """The names of the example's columns; None when it is no data frame."""
    try:
        document = read_json(folder / example.path, EXAMPLE_BYTES)
    except (OSError, ValueError):
        return None
    found = document.get("columns") if isinstance(document, dict) else None
    return tuple(map(str, found)) if isinstance(found, list) else None


def tensors(document: Any, specs: Mapping[str, TensorSpec]) -> dict[str, Array] | None:
    """The inputs that a parsed example gives. Raises ValueError or TypeError where its values are no tensor."""
    if isinstance(document, dict):
        document = document.get("dataframe_split", document)
        document = document.get("inputs", document)
    if isinstance(document, dict) and "columns" in document and "data" in document:
        return _from_frame(document["columns"], document["data"], specs)
    if isinstance(document, dict):
        if set(document) != set(specs):
            return None
        return _all({name: _shaped(document[name], spec) for name, spec in specs.items()})
    if len(specs) == 1:
        (only,) = specs.values()
        return _all({only.name: _shaped(document, only)})
    return None


def _from_frame(columns: list[Any], rows: list[list[Any]], specs: Mapping[str, TensorSpec]) -> dict[str, Array] | None:
    if set(specs) <= set(columns):
        places = {name: columns.index(name) for name in specs}
        return _all({name: _shaped([row[at] for row in rows], specs[name]) for name, at in places.items()})
    if len(specs) == 1:
        (only,) = specs.values()
        return _all({only.name: _shaped(rows, only)})
    return None


def _shaped(values: Any, spec: TensorSpec) -> Array | None:
    array = np.array(values, dtype_of(spec.datatype))
    if array.ndim == 1 and len(spec.shape) == 2:
        column = array.reshape(-1, 1)
        return column if fits(column.shape, spec) else None
    return array if fits(array.shape, spec) else None


def _all(arrays: Mapping[str, Array | None]) -> dict[str, Array] | None:
    found = {name: array for name, array in arrays.items() if array is not None}
    return found if len(found) == len(arrays) else None
