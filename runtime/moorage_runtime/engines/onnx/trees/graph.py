"""Whether a model file is one forest and nothing else that computes, and which of its outputs is what.

ModelProto      graph = 7, functions = 25
GraphProto      node = 1, initializer = 5, output = 12
NodeProto       input = 1, output = 2, op_type = 4, attribute = 5, domain = 7
AttributeProto  name = 1, i = 3
TensorProto     dims = 1, data_type = 2, float_data = 4, name = 8, raw_data = 9
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator

import msgspec

from moorage_runtime import protobuf
from moorage_runtime.engines.onnx.trees.unfit import Unfit
from moorage_runtime.protobuf import Span

CLASSIFIER, REGRESSOR = "TreeEnsembleClassifier", "TreeEnsembleRegressor"
LABELS, SCORES = "labels", "scores"
_NODES = 16
_FLOAT, _INT64 = 1, 7
_CASTS = {LABELS: _INT64, SCORES: _FLOAT}


class Node(msgspec.Struct, frozen=True):
    """`attributes`: where each lies in the file, by name."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Span]


class Forest(msgspec.Struct, frozen=True):
    """The one node that computes. `outputs`: the graph's outputs in their order, and LABELS or SCORES for each."""

    node: Node
    outputs: dict[str, str]


def read(content: mmap.mmap) -> Forest | None:
    """None: no forest in it. Raises `Unfit` where there is more; ValueError or IndexError: no protobuf."""
    (graph,) = protobuf.parts(content, 0, len(content), 7)
    nodes = list(_nodes(content, graph))
    forests = [node for node in nodes if node.operator.startswith("TreeEnsemble")]
    if not forests:
        return None
    if len(forests) > 1 or any(True for _ in protobuf.parts(content, 0, len(content), 25)):
        raise Unfit("there is more than one forest, or functions of the file's own")
    (forest,) = forests
    if forest.operator not in (CLASSIFIER, REGRESSOR):
        raise Unfit(f"the kernel does not know {forest.operator}")
    makers = {name: node for node in nodes for name in node.outputs}
    ones = frozenset(_ones(content, graph))
    names = [protobuf.text(content, *value, 1) for value in protobuf.parts(content, *graph, 12)]
    return Forest(forest, {name: _origin(content, name, makers, ones, forest) for name in names})


def _nodes(content: mmap.mmap, graph: Span) -> Iterator[Node]:
    for count, span in enumerate(protobuf.parts(content, *graph, 1)):
        if count == _NODES:
            # What else there is computes something.
            return
        yield _node(content, span)


def _node(content: mmap.mmap, span: Span) -> Node:
    def texts(number: int) -> Iterator[str]:
        return (content[at:to].decode() for at, to in protobuf.parts(content, *span, number))

    attributes = {_name(content, each): each for each in protobuf.parts(content, *span, 5)}
    return Node("".join(texts(4)), tuple(texts(1)), tuple(texts(2)), attributes)


def _name(content: mmap.mmap, attribute: Span) -> str:
    return next((content[at:to].decode() for at, to in protobuf.parts(content, *attribute, 1)), "")


def _origin(content: mmap.mmap, name: str, makers: dict[str, Node], ones: frozenset[str], forest: Node) -> str:
    """Which of the forest's outputs comes out under this name, through nodes that change nothing."""
    through: list[Node] = []
    at = name
    while (maker := makers.get(at)) is not forest:
        if maker is None or len(through) == _NODES:
            raise Unfit(f"output {name!r} is not the forest's")
        through.append(maker)
        at = next((each for each in maker.inputs if each not in ones), "")
    kind = LABELS if forest.operator == CLASSIFIER and at == forest.outputs[0] else SCORES
    for node in through:
        if not _changes_nothing(content, node, kind, ones):
            raise Unfit(f"beside the forest there is {node.operator}")
    return kind


def _changes_nothing(content: mmap.mmap, node: Node, kind: str, ones: frozenset[str]) -> bool:
    """`Identity`; a ZipMap, which the engine makes a table of again; a cast to what it is; a product with one."""
    match node.operator:
        case "Identity":
            return True
        case "ZipMap":
            return kind == SCORES
        case "Cast":
            return max(protobuf.numbers(content, *node.attributes.get("to", (0, 0)), 3), default=0) == _CASTS[kind]
        case "Mul":
            return kind == SCORES and len(node.inputs) == 2 and sum(each in ones for each in node.inputs) == 1
    return False


def _ones(content: mmap.mmap, graph: Span) -> Iterator[str]:
    """The names of the weights that are the one number 1.0."""
    for span in protobuf.parts(content, *graph, 5):
        if span[1] - span[0] < 128 and _is_one(content, span):
            yield protobuf.text(content, *span, 8)


def _is_one(content: mmap.mmap, tensor: Span) -> bool:
    floats = max(protobuf.numbers(content, *tensor, 2), default=0) == _FLOAT
    data = [content[at:to] for number in (4, 9) for at, to in protobuf.parts(content, *tensor, number)]
    shape = list(protobuf.numbers(content, *tensor, 1))
    return floats and data == [struct.pack("<f", 1.0)] and shape in ([], [1])
