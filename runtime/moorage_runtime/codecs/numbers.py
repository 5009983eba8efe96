"""JSON lists of numbers straight to an array, without an object for each number: by simdjson."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from moorage_runtime.tensors import Array

# Of less text, what the decoders of small requests make of it costs no more.
FEW_BYTES = 1500
_WIDE = {"f": ("d", np.dtype(np.float64)), "i": ("i", np.dtype(np.int64)), "u": ("u", np.dtype(np.uint64))}
_OF_NUMBERS = b"0123456789+-.eE \t\r\n"


def readable(dtype: np.dtype[Any]) -> bool:
    """Whether numbers of this type can be read here."""
    return dtype.kind in _WIDE


def read(text: bytes, dtype: np.dtype[Any], depth: int = 1) -> Array | None:
    """The numbers of a list nested this deep, at most 2, whose inner lists are of one length: [n], or [rows, length].

    None for whatever is not exactly that, and for numbers that do not fit the type: another has to look at it.
    """
    letter, wide = _WIDE[dtype.kind]
    try:
        found: Array = np.frombuffer(_parse()(text).as_buffer(of_type=letter), wide)
    except (ValueError, TypeError, RuntimeError, AttributeError):
        return None
    fitting = found if not found.size or dtype == wide else _fitting(found, dtype)
    if fitting is None or not fitting.size:
        return None
    if depth > 1:
        return _in_rows(text, fitting)
    # simdjson reads the numbers of inner lists as well.
    return fitting if text.find(b"[", text.find(b"[") + 1) < 0 else None


def _fitting(found: Array, dtype: np.dtype[Any]) -> Array | None:
    if dtype.kind != "f":
        bounds = np.iinfo(dtype)
        return found.astype(dtype) if found.min() >= bounds.min and found.max() <= bounds.max else None
    try:
        with np.errstate(over="raise"):
            return found.astype(dtype)
    except FloatingPointError:
        return None


def _in_rows(text: bytes, found: Array) -> Array | None:
    """Brackets and commas alone, without the numbers, tell whether all rows are as long as the first."""
    marks = text.translate(None, _OF_NUMBERS)
    rows = marks.count(b"[") - 1
    if rows < 1 or found.size % rows:
        return None
    row = b"[%b]" % (b"," * (found.size // rows - 1))
    return found.reshape(rows, -1) if marks == b"[%b]" % b",".join([row] * rows) else None


@cache
def _parse() -> Callable[[bytes], Any]:
    # Imported for who sends many numbers: 8 ms of the start, 2 MiB.
    from simdjson import Parser

    parse: Callable[[bytes], Any] = Parser().parse
    return parse
