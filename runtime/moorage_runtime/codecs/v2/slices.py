"""A large tensor's numbers, a slice at a time: a million objects at once keep others waiting, and the process large."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

import msgspec

from moorage_runtime.tensors import Array

SLICE_BYTES = 16 << 10
_COMMA = re.compile(rb"[ \t\r\n]*,").match

T = TypeVar("T")
Steps = Generator[None, None, T]
"""Work in steps of about a millisecond, that gives its result at the end."""


def finish(steps: Steps[T]) -> T:
    """Do all of it now."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def read(raw: bytes, depth: int, array: Array, decode: Callable[[msgspec.Raw, int], Array]) -> Steps[int]:
    """Fill `array`, flat, from the text of a list nested this deep; gives how many elements it had.

    `decode`: the elements of a part of the list, flat; it hears how many came before.
    """
    count = 0
    for part in _parts(raw, depth):
        found = decode(msgspec.Raw(part), count)
        stop = count + found.size
        if stop > array.size:
            return stop
        array[count:stop] = found
        count = stop
        yield
    return count


def _parts(raw: bytes, depth: int) -> Iterator[bytes]:
    """The list as lists of some of its elements. Numbers have no quotes, so that all brackets and commas are JSON's."""
    mark = b"]" * (depth - 1)
    start, end = raw.index(b"[") + 1, raw.rindex(b"]")
    while start < end:
        stop = raw.find(mark or b",", start + SLICE_BYTES, end)
        stop = stop + len(mark) if stop >= 0 else end
        comma = _COMMA(raw, stop, end)
        if comma is None:
            stop = after = end
        else:
            after = comma.end()
        yield b"[%b]" % raw[start:stop]
        start = after
