"""What the file says of its forest: the attributes of the operators TreeEnsembleClassifier and -Regressor.

https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping

import msgspec

from moorage_runtime import protobuf
from moorage_runtime.engines.onnx.trees import lists
from moorage_runtime.engines.onnx.trees.graph import CLASSIFIER, Node
from moorage_runtime.engines.onnx.trees.unfit import Unfit
from moorage_runtime.protobuf import Span
from moorage_runtime.tensors import Array

_NODES = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
_OPTIONAL = ("nodes_hitrates", "nodes_missing_value_tracks_true", "base_values", "post_transform")
_OF_CLASSIFIER = ("classlabels_int64s", "classlabels_strings")
_OF_REGRESSOR = ("n_targets", "aggregate_function")
_I, _S = 3, 4


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    """Lists as the operators have them, one item each per node [n] or weight [w]: INT64; modes BYTES, values FP32.

    `missing_tracks_true` [n] or [0]. `base_values` FP32 [any]. `labels` INT64 or texts: a classifier's classes;
    `targets`: a regressor's outputs. `average`: of the trees, not their sum.
    """

    tree_ids: Array
    node_ids: Array
    feature_ids: Array
    values: Array
    modes: Array
    true_ids: Array
    false_ids: Array
    missing_tracks_true: Array
    weight_trees: Array
    weight_nodes: Array
    weight_targets: Array
    weights: Array
    base_values: Array
    post_transform: str
    aggregate: str
    labels: Array | tuple[str, ...]
    targets: int


def read(content: mmap.mmap, node: Node) -> Attributes:
    """Of the forest's node. Raises `Unfit` for attributes unknown here; ValueError or IndexError: no protobuf."""
    prefix, own = ("class", _OF_CLASSIFIER) if node.operator == CLASSIFIER else ("target", _OF_REGRESSOR)
    weights = [f"{prefix}_{part}" for part in ("treeids", "nodeids", "ids", "weights")]
    unknown = set(node.attributes) - {f"nodes_{part}" for part in _NODES} - {*_OPTIONAL, *own, *weights}
    if unknown:
        raise Unfit(f"the kernel does not know the attribute {min(unknown)!r}")
    given = _Given(content, node.attributes)
    return Attributes(
        tree_ids=given.integers("nodes_treeids"),
        node_ids=given.integers("nodes_nodeids"),
        feature_ids=given.integers("nodes_featureids"),
        values=given.floats("nodes_values"),
        modes=given.words("nodes_modes"),
        true_ids=given.integers("nodes_truenodeids"),
        false_ids=given.integers("nodes_falsenodeids"),
        missing_tracks_true=given.integers("nodes_missing_value_tracks_true"),
        weight_trees=given.integers(weights[0]),
        weight_nodes=given.integers(weights[1]),
        weight_targets=given.integers(weights[2]),
        weights=given.floats(weights[3]),
        base_values=given.floats("base_values"),
        post_transform=given.text("post_transform", "NONE"),
        aggregate=given.text("aggregate_function", "SUM"),
        labels=tuple(text.decode() for text in given.texts("classlabels_strings"))
        or given.integers("classlabels_int64s"),
        targets=given.number("n_targets"),
    )


class _Given:
    """The attributes of one node, by name; those that are not there are empty."""

    def __init__(self, content: mmap.mmap, spans: Mapping[str, Span]) -> None:
        self._content = content
        self._spans = spans

    def integers(self, name: str) -> Array:
        return lists.integers(self._content, self._span(name))

    def floats(self, name: str) -> Array:
        return lists.floats(self._content, self._span(name))

    def texts(self, name: str) -> list[bytes]:
        return lists.texts(self._content, self._span(name))

    def words(self, name: str) -> Array:
        return lists.words(self._content, self._span(name))

    def text(self, name: str, default: str) -> str:
        return protobuf.text(self._content, *self._span(name), _S) or default

    def number(self, name: str) -> int:
        return max(protobuf.numbers(self._content, *self._span(name), _I), default=0)

    def _span(self, name: str) -> Span:
        return self._spans.get(name, (0, 0))
