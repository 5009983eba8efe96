"""What an ONNX file says of itself before anything loads it: its versions, its tensors, what it needs from elsewhere.

    ModelProto      ir_version = 1, graph = 7, opset_import = 8, functions = 25
    GraphProto      node = 1, initializer = 5, input = 11, output = 12, sparse_initializer = 15
    NodeProto       op_type = 4, attribute = 5, domain = 7
    AttributeProto  t = 5, g = 6, tensors = 10, graphs = 11; lists of numbers and texts = 7, 8, 9
    TensorProto     name = 8, external_data = 13 (key = 1, value = 2)

Weights are stepped over, unread. ONNX Runtime has the last word: only what it would refuse is told here.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import msgspec

from moorage_runtime import protobuf
from moorage_runtime.config import Tensor
from moorage_runtime.protobuf import Span
from moorage_runtime.storage import valueinfo

NODES = 100_000
DEPTH = 32
_VALUES = (7, 8, 9)
# Before this version each weight had to be among the inputs, too, and could not be given.
_OVERRIDABLE = 4


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """One model file. `opsets`: version by domain. `operators`: (domain, operator) of all nodes, without those that the
    file defines itself. `beside`: the files that hold weights, as the model names them, relative to its folder.
    """

    ir_version: int
    opsets: dict[str, int]
    operators: frozenset[tuple[str, str]]
    beside: frozenset[str]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read(model: Path) -> Graph:
    """Walk the file. Raises ValueError when it is no ONNX model, or only the beginning of one."""
    try:
        with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _Walk(content).graph()
    except IndexError as error:
        raise ValueError("it ends too early") from error


class _Walk:
    """One file, and what was found in it so far."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._nodes = 0
        self._operators: set[tuple[str, str]] = set()
        self._beside: set[str] = set()

    def graph(self) -> Graph:
        content, end = self._content, len(self._content)
        top = list(protobuf.fields(content, 0, end))
        main = [(at, to) for number, kind, at, to in top if (number, kind) == (7, protobuf.BYTES)]
        if len(main) != 1:
            raise ValueError("it holds no graph")
        ir_version = max((at for number, kind, at, _ in top if (number, kind) == (1, protobuf.VARINT)), default=0)
        self._graph(main[0], DEPTH)
        return Graph(
            ir_version=ir_version,
            opsets=dict(self._opset(at, to) for number, _, at, to in top if number == 8),
            operators=frozenset(self._operators - self._own_functions()),
            beside=frozenset(self._beside),
            inputs=tuple(self._inputs(main[0], ir_version)),
            outputs=tuple(valueinfo.read(content, *span) for span in protobuf.parts(content, *main[0], 12)),
        )

    def _opset(self, at: int, to: int) -> tuple[str, int]:
        version = max(protobuf.numbers(self._content, at, to, 2), default=0)
        return protobuf.text(self._content, at, to, 1), version

    def _own_functions(self) -> set[tuple[str, str]]:
        found = protobuf.parts(self._content, 0, len(self._content), 25)
        return {(protobuf.text(self._content, *span, 10), protobuf.text(self._content, *span, 1)) for span in found}

    def _inputs(self, graph: Span, ir_version: int) -> Iterator[Tensor]:
        weights = {protobuf.text(self._content, *span, 8) for span in protobuf.parts(self._content, *graph, 5)}
        for span in protobuf.parts(self._content, *graph, 11):
            told = valueinfo.read(self._content, *span)
            if told.name not in weights:
                yield told
            elif ir_version >= _OVERRIDABLE:
                yield msgspec.structs.replace(told, optional=True)

    def _graph(self, graph: Span, depth: int) -> None:
        if depth == 0:
            return
        for number, kind, at, to in protobuf.fields(self._content, *graph):
            if kind == protobuf.BYTES and number == 1 and self._nodes < NODES:
                self._nodes += 1
                self._node((at, to), depth)
            elif kind == protobuf.BYTES and number == 5:
                self._tensor((at, to))
            elif kind == protobuf.BYTES and number == 15:
                self._sparse((at, to))

    def _node(self, node: Span, depth: int) -> None:
        domain = operator = b""
        for number, kind, at, to in protobuf.fields(self._content, *node):
            if kind != protobuf.BYTES:
                continue
            if number == 4:
                operator = self._content[at:to]
            elif number == 7:
                domain = self._content[at:to]
            elif number == 5:
                self._attribute((at, to), depth)
        self._operators.add((domain.decode(), operator.decode()))

    def _attribute(self, attribute: Span, depth: int) -> None:
        for number, kind, at, to in protobuf.fields(self._content, *attribute):
            if number in _VALUES:
                # An attribute has one kind of value, and the trees of a forest are lists of millions.
                return
            if kind == protobuf.BYTES and number in (6, 11):
                self._graph((at, to), depth - 1)
            elif kind == protobuf.BYTES and number in (5, 10):
                self._tensor((at, to))

    def _sparse(self, tensor: Span) -> None:
        for number in (1, 2):
            for span in protobuf.parts(self._content, *tensor, number):
                self._tensor(span)

    def _tensor(self, tensor: Span) -> None:
        for number, kind, at, to in protobuf.fields(self._content, *tensor):
            if number == 13 and kind == protobuf.BYTES and protobuf.text(self._content, at, to, 1) == "location":
                self._beside.add(protobuf.text(self._content, at, to, 2))
            elif number in (4, 5, 7, 10, 11):
                # Values of its own, maybe one by one.
                return
