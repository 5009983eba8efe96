"""`kernel.c`, compiled where the runtime is: a forest of trees that answers as ONNX Runtime does in one thread."""

from moorage_runtime.tensors import Array

class Forest:
    """Raises ValueError where an index leads outside. All lists are buffers, copied.

    `columns` INT32 [columns, 2]: feature, and whether a missing value goes the true way; the first one is always zero.
    `node_columns` INT32, `node_thresholds` FP32, `node_trues` INT32: one each per node; the false child is the next
    one, and a leaf (column 0, threshold infinite) is its own. `trees` INT32 [trees, 5]: root, depth, first plane,
    planes, nodes. `planes` INT64 [planes, 2]: target, and where its weights begin, one for each node of the tree.
    `weights` FP32. `bases` FP32 [targets]. `labels` INT64 [classes].
    """

    def __new__(
        cls,
        features: int,
        transform: int,
        columns: Array,
        node_columns: Array,
        node_thresholds: Array,
        node_trues: Array,
        trees: Array,
        planes: Array,
        weights: Array,
        bases: Array,
        labels: Array,
    ) -> Forest: ...
    def run(self, rows: Array, scores: Array, labels: Array, /) -> bool:
        """FP32 [rows, features] -> FP32 [rows, classes or targets], INT64 [rows], both written.

        False, and nothing written, for other rows, or none at all. Raises ValueError where the two last are of another
        size.
        """
