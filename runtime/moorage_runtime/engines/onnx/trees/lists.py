"""The long lists of an attribute as arrays: a forest has millions of numbers, too many to be read one by one.

AttributeProto: floats = 7, ints = 8, strings = 9. Each comes as one packed field, or as many fields in a row.
"""

from __future__ import annotations

import mmap

import numpy as np

from moorage_runtime import protobuf
from moorage_runtime.protobuf import Span
from moorage_runtime.tensors import Array

_FLOATS, _INTS, _STRINGS = 7, 8, 9
_LONGEST = 10


def floats(content: mmap.mmap, attribute: Span) -> Array:
    """FP32 [n]; empty when there are none. Raises ValueError or IndexError: no protobuf."""
    raw, packed = _raw(content, attribute, _FLOATS)
    if packed:
        return np.frombuffer(raw[: len(raw) // 4 * 4], "<f4")
    records = np.frombuffer(raw[: len(raw) // 5 * 5], np.uint8).reshape(-1, 5)
    count = _leading(records[:, 0], _FLOATS << 3 | protobuf.FIXED32)
    return np.ascontiguousarray(records[:count, 1:]).view("<f4").ravel()


def integers(content: mmap.mmap, attribute: Span) -> Array:
    """INT64 [n]; empty when there are none. Raises ValueError or IndexError: no protobuf."""
    raw, packed = _raw(content, attribute, _INTS)
    found = _varints(np.frombuffer(raw, np.uint8))
    if packed:
        return found
    values = np.ascontiguousarray(found[1::2])
    return values[: _leading(found[::2][: len(values)], _INTS << 3 | protobuf.VARINT)]


def texts(content: mmap.mmap, attribute: Span) -> list[bytes]:
    """The strings, each at most 127 bytes long. Raises ValueError or IndexError: no protobuf, or a longer one."""
    raw, _ = _raw(content, attribute, _STRINGS)
    found, at, tag = [], 0, _STRINGS << 3 | protobuf.BYTES
    while at < len(raw) and raw[at] == tag:
        size = raw[at + 1]
        if size > 127:
            raise ValueError("a long text")
        found.append(raw[at + 2 : at + 2 + size])
        at += 2 + size
    return found


def words(content: mmap.mmap, attribute: Span) -> Array:
    """The same strings as BYTES [n], for lists of a few short words. Raises ValueError where they are no such."""
    raw, _ = _raw(content, attribute, _STRINGS)
    data, tag = np.frombuffer(raw, np.uint8), _STRINGS << 3 | protobuf.BYTES
    # No word holds the byte that words begin with: each such byte lies where the word before it ends.
    starts = np.flatnonzero(data[:-1] == tag)
    sizes = data[starts + 1].astype(np.int64)
    ends = starts + 2 + sizes
    count = _leading(np.concatenate((starts[:1], starts[1:] - ends[:-1])), 0)
    starts, sizes = starts[:count] + 2, sizes[:count]
    longest = int(sizes.max(initial=1))
    if longest > 127 or (count and ends[count - 1] > len(data)):
        raise ValueError("a long text, or half of one")
    found = np.zeros((count, longest), np.uint8)
    for place in range(longest):
        longer = np.flatnonzero(sizes > place)
        found[longer, place] = data[starts[longer] + place]
    return found.view(f"S{longest}").ravel()


def distinct(values: Array) -> Array:
    """The different ones of a list, rising; `numpy.unique` brings modules that take 9 ms to import."""
    ordered: Array = np.sort(values)
    other: Array = ordered[np.diff(ordered, prepend=ordered[:1] - 1) != 0]
    return other


def _raw(content: mmap.mmap, attribute: Span, number: int) -> tuple[bytes, bool]:
    """The inside of the packed list, or all from its first item on, and whether it is packed."""
    start, end = attribute
    before = start
    for found, kind, value, to in protobuf.fields(content, start, end):
        if found == number and kind == protobuf.BYTES and number != _STRINGS:
            return content[value:to], True
        if found == number:
            return content[before:end], False
        before = to
    return b"", False


def _leading(tags: Array, wanted: int) -> int:
    """How many of the first ones are the wanted one."""
    others = np.flatnonzero(tags != wanted)
    return int(others[0]) if len(others) else len(tags)


def _varints(data: Array) -> Array:
    """Every whole number in the bytes, one after the other, as INT64."""
    ends = np.flatnonzero(data < 0x80)
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    lengths = ends - starts + 1
    values = np.zeros(len(ends), np.uint64)
    for place in range(min(_LONGEST, int(lengths.max(initial=0)))):
        longer = np.flatnonzero(lengths > place)
        values[longer] |= (data[starts[longer] + place] & np.uint64(0x7F)) << np.uint64(7 * place)
    return values.view(np.int64)
