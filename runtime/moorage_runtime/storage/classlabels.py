"""The class names that a classifier's ONNX file carries, in the order of its probabilities.

ONNX Runtime does not tell them: they are attributes (`classlabels_int64s`, `classlabels_ints`, `classlabels_strings`)
of the nodes that make labels or maps. The file is walked as protobuf wire format; weights are stepped over, unread.

    ModelProto.graph = 7    GraphProto.node = 1    NodeProto: op_type = 4, attribute = 5
    AttributeProto: name = 1, ints = 8, strings = 9
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from moorage_runtime import protobuf

Labels = tuple[int | str, ...]
CLASSES = 10_000
NODES = 100_000
_NAMES = (b"classlabels_int64s", b"classlabels_ints", b"classlabels_strings")
_MAP = b"ZipMap"


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
    for graph in protobuf.parts(content, 0, len(content), 7):
        for node in protobuf.parts(content, *graph, 1):
            nodes += 1
            if nodes > NODES:
                raise ValueError("too many nodes")
            kind = next((content[at:to] for at, to in protobuf.parts(content, *node, 4)), b"")
            for attribute in protobuf.parts(content, *node, 5):
                labels = _labels(content, *attribute)
                if labels:
                    yield kind, labels


def _labels(content: mmap.mmap, start: int, end: int) -> Labels:
    name = next((content[at:to] for at, to in protobuf.parts(content, start, end, 1)), b"")
    if name not in _NAMES:
        return ()
    texts = (content[at:to].decode() for at, to in protobuf.parts(content, start, end, 9))
    either: Iterator[int | str] = chain(texts, protobuf.numbers(content, start, end, 8))
    found = tuple(islice(either, CLASSES + 1))
    if len(found) > CLASSES:
        raise ValueError("too many classes")
    return found
