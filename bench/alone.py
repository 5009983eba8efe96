"""What the model alone costs: session.run in a loop, on the server's core, with other rows each time, as they come to a
server: trees that see the same rows again are a third cheaper, for the processor has learned their way. As a program:
one model's.
"""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
import time

import numpy as np
import onnxruntime

from . import models
from .process import CORE

MODELS = ("gb", "linear", "mlp")
ROWS = (1, 32, 64)
SECONDS = 0.15
TURNS = 5
FEEDS = 64


def measure(model: str) -> dict[int, float]:
    """CPU microseconds of one run, by rows in it."""
    command = ["taskset", "-c", CORE, sys.executable, "-m", "bench.alone", model]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {int(rows): cost for rows, cost in json.loads(said).items()}


def _cost(model: str, count: int) -> float:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(models.artifact(model) / "model.onnx"), options)
    names = [output.name for output in session.get_outputs()]
    rows = models.rows(FEEDS * count).astype(np.float32)
    feeds = itertools.cycle([{"input": part} for part in np.split(rows, FEEDS)])
    found = []
    for _ in range(TURNS):
        runs, used, end = 0, time.process_time(), time.monotonic() + SECONDS
        while time.monotonic() < end:
            session.run(names, next(feeds))
            runs += 1
        found.append((time.process_time() - used) / runs * 1e6)
    return statistics.median(found)


if __name__ == "__main__":
    print(json.dumps({rows: _cost(sys.argv[1], rows) for rows in ROWS}))
