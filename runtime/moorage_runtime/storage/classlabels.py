"""The class names that a classifier's ONNX file carries, in the order of its probabilities.

ONNX Runtime does not tell them: they are attributes (`classlabels_int64s`, `classlabels_ints`, `classlabels_strings`)
of the nodes that make labels or maps. The file is walked as protobuf wire format; weights are stepped over, unread.

    ModelProto.graph = 7    GraphProto.node = 1    NodeProto: op_type = 4, attribute = 5
    AttributeProto: name = 1, ints = 8, strings = 9
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

Labels = tuple[int | str, ...]
CLASSES = 10_000
NODES = 100_000
_NAMES = (b"classlabels_int64s", b"classlabels_ints", b"classlabels_strings")
_MAP = b"ZipMap"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def read(model: Path) -> Labels | None:
    """What the graph's ZipMap says, else its one list of class names; None for none, several, or what is no ONNX."""
    try:
        with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = set(_lists(content))
    except (OSError, ValueError, IndexError):
        return None
    lists = {_as_map(labels) for kind, labels in found if kind == _MAP} or {labels for _, labels in found}
    return lists.pop() if len(lists) == 1 else None


def _as_map(labels: Labels) -> Labels:
    """The order in which ONNX Runtime gives a map: by key, text by its bytes."""
    return tuple(sorted(labels, key=lambda label: (label, b"") if isinstance(label, int) else (0, label.encode())))


def _lists(content: mmap.mmap) -> Iterator[tuple[bytes, Labels]]:
    """Each list of class names, with the kind of its node."""
    nodes = 0
    for graph in _parts(content, 0, len(content), 7):
        for node in _parts(content, *graph, 1):
            nodes += 1
            if nodes > NODES:
                raise ValueError("too many nodes")
            kind = next((content[at:to] for at, to in _parts(content, *node, 4)), b"")
            for attribute in _parts(content, *node, 5):
                labels = _labels(content, *attribute)
                if labels:
                    yield kind, labels


def _labels(content: mmap.mmap, start: int, end: int) -> Labels:
    name = next((content[at:to] for at, to in _parts(content, start, end, 1)), b"")
    if name not in _NAMES:
        return ()
    found: list[int | str] = []
    for number, kind, value, to in _fields(content, start, end):
        if len(found) > CLASSES:
            raise ValueError("too many classes")
        if number == 9 and kind == _BYTES:
            found.append(content[value:to].decode())
        elif number == 8 and kind == _VARINT:
            found.append(_signed(value))
        elif number == 8 and kind == _BYTES:
            found.extend(_packed(content, value, to))
    return tuple(found)


def _packed(content: mmap.mmap, at: int, end: int) -> Iterator[int]:
    while at < end:
        value, at = _varint(content, at)
        yield _signed(value)


def _parts(content: mmap.mmap, start: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Where the messages or strings with field number `wanted` lie."""
    for number, kind, value, to in _fields(content, start, end):
        if number == wanted and kind == _BYTES:
            yield value, to


def _fields(content: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Each field as (number, wire type, value or start, end). Raises ValueError or IndexError: no protobuf."""
    while at < end:
        key, at = _varint(content, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(content, at)
            yield key >> 3, kind, value, at
            continue
        if kind == _BYTES:
            size, at = _varint(content, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("no protobuf")
        if at + size > end:
            raise ValueError("cut short")
        yield key >> 3, kind, at, at + size
        at += size


def _varint(content: mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("no protobuf")


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value
