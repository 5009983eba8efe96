"""Forests of decision trees, walked by a kernel of our own where ONNX Runtime gives the same answer to the last bit.

ONNX Runtime walks row by row and tree by tree, and waits at each node whose side the processor guessed wrong;
`kernel.c` does not guess. Which models it can take is told by their file (`graph`, `attributes`, `layout`, `ending`),
and whether it takes them right by ONNX Runtime itself, at every load (`probe`).
"""

from moorage_runtime.engines.onnx.trees.plant import plant, suspected
from moorage_runtime.engines.onnx.trees.unfit import Unfit

__all__ = ["Unfit", "plant", "suspected"]
