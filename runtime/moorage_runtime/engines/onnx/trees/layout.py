"""A forest as the kernel walks it: the nodes of each tree by their level, brothers side by side, leaves without end."""

from __future__ import annotations

import msgspec
import numpy as np

from moorage_runtime.engines.onnx.trees.attributes import Attributes
from moorage_runtime.engines.onnx.trees.ending import Ending
from moorage_runtime.engines.onnx.trees.lists import distinct
from moorage_runtime.engines.onnx.trees.unfit import Unfit
from moorage_runtime.tensors import Array

# All of them bound what the kernel takes of stack and memory, and how long a load may be.
NODES = 1 << 22
WEIGHTS = 1 << 24
COLUMNS = 2047
# A row walks down as far as the deepest one: where trees are deeper than this, most of its steps are in vain.
DEPTH = 64
_LEAF, _AT_MOST, _LESS = b"LEAF", b"BRANCH_LEQ", b"BRANCH_LT"


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `kernel.Forest`, which says what they are; but for `features`, `transform`, bases, labels."""

    columns: Array
    node_columns: Array
    node_thresholds: Array
    node_trues: Array
    trees: Array
    planes: Array
    weights: Array

    @property
    def steps(self) -> int:
        """Of one row through all trees."""
        return int(self.trees[:, 1].sum()) + len(self.trees)


class _Nodes(msgspec.Struct, frozen=True, kw_only=True):
    """Of the nodes as the file has them: `tree` [n], by number; `roots` [trees]; `branch` [n]; `true`, `false` [n],
    where the children are (of a branch)."""

    tree: Array
    roots: Array
    branch: Array
    true: Array
    false: Array


def lay_out(given: Attributes, features: int, ending: Ending) -> Layout:
    """Raises `Unfit` for what the kernel does not walk, or not as ONNX Runtime does."""
    _check_lengths(given)
    ids = _Ids(given)
    nodes = _nodes(given, ids)
    order, depths = _by_level(nodes)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    branch = nodes.branch[order]
    columns, node_columns = _columns(given, order, branch, features)
    sizes = np.bincount(nodes.tree, minlength=len(nodes.roots))
    roots = np.cumsum(sizes) - sizes
    found = _weights(given, ids, nodes, ending.width)
    first, count, planes, weights = _planes(given.weights, found, place, roots, sizes)
    return Layout(
        columns=columns,
        node_columns=node_columns,
        node_thresholds=np.where(branch, _thresholds(given)[order], np.float32(np.inf)),
        node_trues=np.where(branch, place[nodes.true[order]], np.arange(len(order))).astype(np.int32),
        trees=np.column_stack((roots, depths, first, count, sizes)).astype(np.int32),
        planes=planes,
        weights=weights,
    )


class _Ids:
    """Finds nodes by the ids of their tree and of themselves."""

    def __init__(self, given: Attributes) -> None:
        starts = np.flatnonzero(np.diff(given.tree_ids, prepend=given.tree_ids[0] - 1))
        ids = given.tree_ids[starts]
        self._numbers = np.argsort(ids, kind="stable")
        self._trees = ids[self._numbers]
        if not np.all(np.diff(self._trees)):
            raise Unfit("the nodes of a tree do not follow each other")
        self.roots = starts
        self._span = int(given.node_ids.max()) + 1
        if given.node_ids.min() < 0 or self._span > 1 << 31:
            raise Unfit("a node's id is negative, or greater than 31 bits")
        keys = self.number(given.tree_ids) * self._span + given.node_ids
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        if not np.all(np.diff(self._keys)):
            raise Unfit("two nodes have the same id")

    def number(self, trees: Array) -> Array:
        """The trees' numbers, in the order of the file, by their ids."""
        at = np.searchsorted(self._trees, trees)
        if not np.array_equal(self._trees[np.minimum(at, len(self._trees) - 1)], trees):
            raise Unfit("a weight is of no tree")
        return self._numbers[at]

    def find(self, numbers: Array, nodes: Array) -> Array:
        """Where the nodes are, by their tree's number and their id."""
        keys = numbers * self._span + nodes
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        if not np.array_equal(self._keys[at], keys) or np.any((nodes < 0) | (nodes >= self._span)):
            raise Unfit("a node is spoken of that is not there")
        return self._order[at]


def _check_lengths(given: Attributes) -> None:
    count, weights = len(given.tree_ids), len(given.weights)
    if not 0 < count <= NODES:
        raise Unfit(f"the forest has no nodes, or more than {NODES}")
    lists = (given.node_ids, given.feature_ids, given.values, given.modes, given.true_ids, given.false_ids)
    if any(len(each) != count for each in lists) or len(given.missing_tracks_true) not in (0, count):
        raise Unfit("the lists of the nodes differ in length")
    if any(len(each) != weights for each in (given.weight_trees, given.weight_nodes, given.weight_targets)):
        raise Unfit("the lists of the weights differ in length")


def _nodes(given: Attributes, ids: _Ids) -> _Nodes:
    branch: Array = given.modes != _LEAF
    unknown = given.modes[branch & (given.modes != _AT_MOST) & (given.modes != _LESS)]
    if len(unknown):
        raise Unfit(f"the kernel does not know the mode {unknown[0].decode(errors='replace')}")
    tree, inner = ids.number(given.tree_ids), np.flatnonzero(branch)
    true, false = np.zeros(len(branch), np.int64), np.zeros(len(branch), np.int64)
    true[inner] = ids.find(tree[inner], given.true_ids[inner])
    false[inner] = ids.find(tree[inner], given.false_ids[inner])
    parents = np.bincount(np.concatenate((true[inner], false[inner])), minlength=len(branch))
    wanted = np.ones(len(branch), np.int64)
    wanted[ids.roots] = 0
    if not np.array_equal(parents, wanted):
        raise Unfit("a node has several parents, or none")
    return _Nodes(tree=tree, roots=ids.roots, branch=branch, true=true, false=false)


def _by_level(nodes: _Nodes) -> tuple[Array, Array]:
    """The nodes' order, tree by tree and level by level, and how deep each tree is."""
    depths = np.zeros(len(nodes.roots), np.int64)
    level, levels = nodes.roots, [nodes.roots]
    while len(inner := level[nodes.branch[level]]):
        if len(levels) > DEPTH:
            raise Unfit(f"a tree is deeper than {DEPTH}, or without end")
        depths[nodes.tree[inner]] = len(levels)
        level = np.column_stack((nodes.true[inner], nodes.false[inner])).ravel()
        levels.append(level)
    order = np.concatenate(levels)
    if len(order) != len(nodes.tree):
        raise Unfit("nodes lead to each other in a ring")
    return order[np.argsort(nodes.tree[order], kind="stable")], depths


def _columns(given: Attributes, order: Array, branch: Array, features: int) -> tuple[Array, Array]:
    """Which features are asked for, each at most twice: as it is, and with what is missing taken for very little."""
    asked, tracks = given.feature_ids[order], np.zeros(len(order), np.int64)
    if np.any((asked[branch] < 0) | (asked[branch] >= features)):
        raise Unfit(f"a node asks for a feature beyond the input's {features}")
    if len(given.missing_tracks_true):
        tracks = (given.missing_tracks_true[order] == 1).astype(np.int64)
    coded = 2 * asked + tracks
    codes = distinct(coded[branch])
    if len(codes) > COLUMNS:
        raise Unfit(f"the forest asks for more than {COLUMNS} features")
    node_columns = np.zeros(len(order), np.int32)
    node_columns[branch] = np.searchsorted(codes, coded[branch]) + 1
    return np.concatenate(([[0, 0]], np.column_stack((codes // 2, codes % 2)))).astype(np.int32), node_columns


def _thresholds(given: Attributes) -> Array:
    """What a value must not exceed to go the true way; "less than t" is "at most the number before t"."""
    less = given.modes == _LESS
    if np.any(np.isnan(given.values)) or not np.all(np.isfinite(given.values[less])):
        raise Unfit("a threshold is not a number")
    return np.where(less, np.nextafter(given.values, np.float32(-np.inf)), given.values).astype(np.float32)


class _Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Of the weights as the file has them: `tree`, `leaf` (a node), `target` [w]. `present` [trees, targets]: whether a
    tree has any for a target; then each of its leaves has one."""

    tree: Array
    leaf: Array
    target: Array
    present: Array


def _weights(given: Attributes, ids: _Ids, nodes: _Nodes, width: int) -> _Weights:
    tree, target = ids.number(given.weight_trees), given.weight_targets
    leaf = ids.find(tree, given.weight_nodes)
    if np.any((target < 0) | (target >= width)):
        raise Unfit("a weight is for a target that is not there")
    if not np.all(np.isfinite(given.weights)):
        raise Unfit("a weight is not a number")
    count = np.bincount(tree * width + target, minlength=len(nodes.roots) * width).reshape(len(nodes.roots), width)
    leaves = np.bincount(nodes.tree[~nodes.branch], minlength=len(nodes.roots))
    whole = (count == 0) | (count == leaves[:, None])
    twice = len(distinct(leaf * width + target)) < len(leaf)
    if twice or nodes.branch[leaf].any() or not whole.all() or not count.any(axis=0).all():
        raise Unfit("some leaves have weights for other targets than the rest, or several for one")
    return _Weights(tree=tree, leaf=leaf, target=target, present=count > 0)


def _planes(
    values: Array, found: _Weights, place: Array, roots: Array, sizes: Array
) -> tuple[Array, Array, Array, Array]:
    """The weights, a plane for each tree and each target that it has weights for.

    Gives each tree's first plane and their number, the planes, and all weights.
    """
    tree, target = np.nonzero(found.present)
    ends = np.cumsum(sizes[tree])
    if ends[-1] > WEIGHTS:
        raise Unfit(f"the forest has more than {WEIGHTS} weights")
    starts = np.zeros(found.present.shape, np.int64)
    starts[tree, target] = ends - sizes[tree]
    weights = np.zeros(ends[-1], np.float32)
    weights[starts[found.tree, found.target] + place[found.leaf] - roots[found.tree]] = values
    count = np.count_nonzero(found.present, axis=1)
    return np.cumsum(count) - count, count, np.column_stack((target, starts[tree, target])), weights
