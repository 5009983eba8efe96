"""Small models: `same` says what it is told, the others are the same model gone wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from tests.unit.runtime.graphs import INT64, node, save, tensor, weight
from tests.unit.runtime.pod import Pod
from tests.unit.runtime.split.town import Town


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Finished downloads by name."""
    folder = tmp_path_factory.mktemp("town")
    x, y = [tensor("x")], [tensor("y")]
    save(folder / "same", [node("Identity", ["x"], ["y"])], x, y)
    save(folder / "log", [node("Log", ["x"], ["y"])], x, y)
    # A shape that only the run knows: two rows of one, where one row of two is declared.
    weights = [weight("shape", np.array([-1, 1], np.float32)), weight("zero", np.float32(0))]
    shaped = [
        node("ReduceMax", ["x"], ["most"], keepdims=0),
        node("Mul", ["most", "zero"], ["none"]),
        node("Add", ["shape", "none"], ["sum"]),
        node("Cast", ["sum"], ["whole"], to=INT64),
        node("Reshape", ["x", "whole"], ["y"]),
    ]
    save(folder / "bent", shaped, x, y, weights)
    save(folder / "strict", [node("Identity", ["z"], ["y"])], [tensor("z")], y)
    found = {}
    for name in ("same", "log", "bent", "strict"):
        pod = Pod(folder / f"pod-{name}", f"file://{folder / name}", {})
        done = pod.download()
        assert done.returncode == 0, done.stderr
        found[name] = pod.models
    return found


@pytest.fixture
async def town(tmp_path: Path, downloads: dict[str, Path]) -> AsyncIterator[Town]:
    made = Town(tmp_path, downloads)
    yield made
    await made.close()
