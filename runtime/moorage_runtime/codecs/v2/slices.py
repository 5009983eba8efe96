"""A large tensor's numbers, a slice at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from moorage_runtime.codecs import slices
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array

_COUNTED_BYTES = 256 << 10


def read(text: memoryview, depth: int, array: Array, decode: Callable[[bytes, int], Array]) -> Steps[int]:
    """Fill `array`, flat, from the text of a list nested this deep; gives how many elements it had.

    `decode`: the elements of a part of the list, flat; it hears how many came before.
    """
    count = 0
    for part in _parts(text, depth):
        found = decode(part, count)
        stop = count + found.size
        if stop > array.size:
            return stop
        array[count:stop] = found
        count = stop
        yield
    return count


def _parts(text: memoryview, depth: int) -> Iterator[bytes]:
    """The list as lists of some of its elements. Numbers have no quotes, so that all brackets and commas are JSON's."""
    # A number that never ends is passed as fast as memory is read: the pattern begins with what is sought.
    cut = re.compile(rb"\]" * (depth - 1) + rb"[ \t\r\n]*," if depth > 1 else rb",")
    start, end = 1, len(text) - 1
    while start < end:
        comma = cut.search(text, start + slices.SLICE_BYTES, end)
        stop, after = (comma.end() - 1, comma.end()) if comma is not None else (end, end)
        yield b"".join((b"[", text[start:stop], b"]"))
        start = after


def commas(text: memoryview) -> Steps[int]:
    """How many there are."""
    view = np.frombuffer(text, np.uint8)
    count = 0
    for at in range(0, len(view), _COUNTED_BYTES):
        count += int(np.count_nonzero(view[at : at + _COUNTED_BYTES] == ord(",")))
        yield
    return count
