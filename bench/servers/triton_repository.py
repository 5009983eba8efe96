"""Lays Triton's model repository and its Python backend's folder into the working directory. Words: [batch].

The wheel keeps the backend and the stub of each Python version in different places; Triton wants them in one.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytriton

CONFIG = """\
backend: "python"
max_batch_size: 128
input [ { name: "input" data_type: TYPE_FP32 dims: [ 30 ] } ]
output [ { name: "label" data_type: TYPE_INT64 dims: [ 1 ] reshape { shape: [ ] } },
         { name: "probabilities" data_type: TYPE_FP32 dims: [ 2 ] } ]
instance_group [ { count: 1 kind: KIND_CPU } ]
"""
BATCHING = "dynamic_batching { max_queue_delay_microseconds: 1000 preferred_batch_size: [ 32, 64 ] }\n"


def main() -> None:
    server = Path(pytriton.__file__).parent / "tritonserver"
    backend = Path("backends/python")
    shutil.copytree(server / "backends" / "python", backend)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    shutil.copy2(server / "python_backend_stubs" / version / "triton_python_backend_stub", backend)
    model = Path("repository/fraud")
    (model / "1").mkdir(parents=True)
    here = Path(__file__).parent
    shutil.copy2(here / "triton_model.py", model / "1" / "model.py")
    shutil.copy2(here / "onnx_session.py", model / "1")
    (model / "config.pbtxt").write_text(CONFIG + (BATCHING if "batch" in sys.argv else ""))


if __name__ == "__main__":
    main()
