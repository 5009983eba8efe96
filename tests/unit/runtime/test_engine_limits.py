"""What ONNX Runtime cannot do, as docs/runtime.md tells it: should it learn it, the document is to be mended."""

from __future__ import annotations

import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from onnx import TensorProto
from tests.unit.runtime import graphs
from tests.unit.runtime.pod import RUNTIME

DIVIDES = """
import sys
from pathlib import Path
import numpy as np
from moorage_runtime.engines import onnx
loaded = onnx.load(Path(sys.argv[1]), 1)
kind = np.dtype(sys.argv[2])
least, by = np.full(4, np.iinfo(kind).min, kind), np.full(4, int(sys.argv[3]), kind)
try:
    loaded.infer({"x": least, "y": by})
except Exception as error:
    sys.exit(str(error))
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other processors do not trap")
@pytest.mark.parametrize(
    ("operator", "kind", "by", "ends"),
    [
        ("Div", "int64", -1, -signal.SIGFPE),
        ("Mod", "int64", -1, -signal.SIGFPE),
        ("Mod", "int32", -1, -signal.SIGFPE),
        ("Div", "int32", -1, 0),
        ("Div", "int64", 2, 0),
        ("Div", "int64", 0, 1),
    ],
)
def test_the_least_whole_number_by_minus_one_ends_the_process(
    tmp_path: Path, operator: str, kind: str, by: int, ends: int
) -> None:
    whole = {"int64": TensorProto.INT64, "int32": TensorProto.INT32}[kind]
    x, y, z = (graphs.tensor(name, whole, ["n"]) for name in "xyz")
    path = graphs.save(tmp_path, [graphs.node(operator, ["x", "y"], ["z"])], [x, y], [z])
    done = subprocess.run(
        [sys.executable, "-c", DIVIDES, str(path), kind, str(by)],
        env={"PYTHONPATH": str(RUNTIME)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == ends, done.stderr
    if ends == 1:
        assert "zero" in done.stderr
