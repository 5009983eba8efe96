"""Inputs without a rank. ONNX Runtime calls them scalars; only the model file tells the two apart.

ModelProto.graph = 7    GraphProto.input = 11    ValueInfoProto: name = 1, type = 2
TypeProto.tensor_type = 1    its Tensor: shape = 2
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from moorage_runtime import protobuf


def without_rank(model_file: Path) -> frozenset[str]:
    """The names of the tensor inputs whose shape the file leaves out altogether; none when it cannot be walked."""
    try:
        with model_file.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return frozenset(_rankless(content))
    except (ValueError, IndexError, OSError):
        return frozenset()


def _rankless(content: mmap.mmap) -> Iterator[str]:
    for graph in protobuf.parts(content, 0, len(content), 7):
        for value in protobuf.parts(content, *graph, 11):
            kinds = list(protobuf.parts(content, *value, 2))
            tensors = [tensor for kind in kinds for tensor in protobuf.parts(content, *kind, 1)]
            if tensors and not any(True for tensor in tensors for _ in protobuf.parts(content, *tensor, 2)):
                yield protobuf.text(content, *value, 1)
