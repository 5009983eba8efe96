"""Forests walked by the runtime's kernel, beside ONNX Runtime's own run of the same model in one thread.

    PYTHONPATH=$(.local/venv/bin/python -m e2e.workbench.compiled) .local/venv/bin/python -m bench.trees [NAME ...]

Wall-clock microseconds of one run, the best of several turns, pair by pair; rows are new each time, as they come to a
server. The deep forests take minutes to train.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from moorage_runtime.config import Onnx
from moorage_runtime.engines import onnx

FEATURES = 30
ROWS = (1, 4, 8, 16, 32, 1000)
TURNS = 5
# Of inputs for one size; a megabyte of them is more than the processor learns by heart.
BATCHES, MOST_ROWS = 256, 8192


def _boosted(trees: int, depth: int) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(n_estimators=trees, max_depth=depth, random_state=7)


def _random(trees: int, depth: int | None) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(trees, max_depth=depth, random_state=7)


FORESTS: dict[str, tuple[Callable[[], Any], int]] = {
    "100 boosted trees of depth 3": (lambda: _boosted(100, 3), 2),
    "100 boosted trees of depth 6": (lambda: _boosted(100, 6), 2),
    "50 boosted trees of depth 3 for each of 3 classes": (lambda: _boosted(50, 3), 3),
    "100 random trees of depth 8": (lambda: _random(100, 8), 2),
    "100 random trees of depth 8, 3 classes": (lambda: _random(100, 8), 3),
    "100 random trees of any depth": (lambda: _random(100, None), 2),
}


def lines(names: Sequence[str]) -> Iterator[str]:
    """The table: a forest a line, ONNX Runtime's cost, the kernel's and their ratio by rows."""
    yield f"| forest | {' | '.join(f'{rows} rows' for rows in ROWS)} |"
    yield "| --- " * (len(ROWS) + 1) + "|"
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            path = Path(folder) / "model.onnx"
            path.write_bytes(_trained(*FORESTS[name]))
            yield f"| {name} | {' | '.join(_cells(path))} |"


def _trained(make: Callable[[], Any], classes: int) -> bytes:
    from skl2onnx import to_onnx
    from sklearn.datasets import make_classification

    x, y = make_classification(20_000, FEATURES, n_informative=12, n_classes=classes, flip_y=0.1, random_state=7)
    x = x.astype(np.float32)
    fitted = make().fit(x, y)
    return bytes(to_onnx(fitted, x[:1], options={"zipmap": False}, target_opset=17).SerializeToString())


def _cells(path: Path) -> Iterator[str]:
    loaded = onnx.load(path, 1)
    if loaded.kernel.name != "trees":
        sys.exit(f"the kernel does not walk it: {loaded.kernel.reason}")
    plain = onnx.load(path, 1, Onnx(enable_tree_kernel=False))
    (source,) = loaded.inputs
    drawn = np.random.default_rng(11)
    for rows in ROWS:
        count = max(4, min(BATCHES, MOST_ROWS // rows))
        feeds = [{source: drawn.normal(0, 2, (rows, FEATURES)).astype(np.float32)} for _ in range(count)]
        theirs, ours = _best([plain.infer, loaded.infer], feeds)
        yield f"{theirs:,.1f} / {ours:,.1f} = **{theirs / ours:.1f}**"


def _best(runs: Sequence[Callable[[Any], Any]], feeds: Sequence[Any]) -> list[float]:
    """Microseconds of one run of each, in turns."""
    best = [float("inf")] * len(runs)
    for _ in range(TURNS):
        for at, run in enumerate(runs):
            began = time.perf_counter()
            for feed in feeds:
                run(feed)
            best[at] = min(best[at], (time.perf_counter() - began) / len(feeds) * 1e6)
    return best


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.trees", description=f"ONNX Runtime {onnxruntime.__version__} / kernel")
    parser.add_argument("name", nargs="*", default=list(FORESTS))
    told = parser.parse_args().name
    if unknown := set(told) - set(FORESTS):
        parser.error(f"there is no {min(unknown)!r}; there are: {'; '.join(FORESTS)}")
    for line in lines(told):
        print(line, flush=True)
