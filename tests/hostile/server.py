"""`moorage serve` as it runs anywhere: three models, every port, the limits that a pod has."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tests.ports import free_port
from tests.unit.runtime import graphs, identities
from tests.unit.runtime.bad import v2_json
from tests.unit.runtime.pod import RUNTIME, ask

from moorage_runtime.servers.heap import LOOK_SECONDS, SELDOM

SETTINGS = """\
apiVersion: moorage.dev/v1alpha1
kind: ModelDeployment
metadata: {name: any}
spec:
  model: {storageUri: "file:///nowhere"}
  timeout: 20s
  maxRequestBytes: 64Mi
  accessLog: {percent: 100}
  cache: {maxEntries: 50, maxBytes: 1Mi}
"""
COLUMNS = [{"type": "double", "name": name, "required": name != "c"} for name in "abc"]
MLMODEL = f"""\
flavors: {{onnx: {{data: model.onnx}}}}
signature:
  inputs: '{json.dumps(COLUMNS)}'
"""
_SERIES = re.compile(r"^[a-z_]+(\{.*\})? \S+$")


class Server:
    """The process. Models: `fraud` (an input of each datatype), `scores` (named columns), `pair` (two numbers) and
    `slow` (seconds for some hundred rows)."""

    def __init__(self, folder: Path, models: Sequence[str] = ("fraud", "scores", "pair", "slow")) -> None:
        self.folder = folder
        self.port, self.admin_port, self.grpc_port = free_port(), free_port(), free_port()
        shelf = folder / "shelf"
        shelf.mkdir(parents=True)
        for model in models:
            _MAKERS[model](shelf / model)
        (folder / "like.yaml").write_text(SETTINGS)
        self.process = self._start(shelf)

    def _start(self, shelf: Path) -> subprocess.Popen[bytes]:
        ports = {"--port": self.port, "--admin-port": self.admin_port, "--grpc-port": self.grpc_port}
        flags = [str(word) for flag in ports.items() for word in flag]
        run = "import sys; from moorage_runtime.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", run, "serve", str(shelf), "--like", str(self.folder / "like.yaml"), *flags]
        with (self.folder / "log").open("wb") as log:
            environment = os.environ | {"PYTHONPATH": str(RUNTIME), "HOME": str(self.folder)}
            return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def wait(self, seconds: float = 60) -> None:
        """Until it is ready."""
        end = time.monotonic() + seconds
        while True:
            try:
                if ask(self.admin_port, "GET", "/readyz")[0] == 200:
                    return
            except OSError:
                pass
            assert time.monotonic() < end, self.log()
            assert self.process.poll() is None, self.log()
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def memory(self, enough: float = 0, quiet: float = (SELDOM + 1) * LOOK_SECONDS + 1) -> int:
        """Resident KiB, the least in a time without a request, in which the process looks at its memory.

        That time may be cut short once there are no more than `enough`.
        """
        least, end = 2**40, time.monotonic() + quiet
        while least > enough and time.monotonic() < end:
            time.sleep(0.5)
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            least = min(least, int(status.split("VmRSS:")[1].split()[0]))
        return least

    def files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def series(self) -> dict[str, float]:
        """What /metrics says, by name and labels."""
        lines = ask(self.admin_port, "GET", "/metrics")[2].decode().splitlines()
        told = [line for line in lines if line and not line.startswith("#")]
        assert all(map(_SERIES.match, told))
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in told}

    def in_flight(self, model: str) -> float:
        (told,) = [
            value
            for name, value in self.series().items()
            if name.startswith("moorage_in_flight{") and f'model="{model}"' in name
        ]
        return told


def _fraud(folder: Path) -> None:
    folder.mkdir()
    identities.write(folder / "3", v2_json.ASKED)


def _scores(folder: Path) -> None:
    _table(folder, "X", 3)
    (folder / "MLmodel").write_text(MLMODEL)


def _pair(folder: Path) -> None:
    _table(folder, "x", 2)


def _table(folder: Path, name: str, width: int) -> None:
    """`name` FP32 [-1, width] to `y`, as it came."""
    nodes = [graphs.node("Identity", [name], ["y"])]
    graphs.save(folder, nodes, [graphs.tensor(name, shape=("n", width))], [graphs.tensor("y", shape=("n", width))])


def _slow(folder: Path) -> None:
    """`x` FP32 [-1, 512] to `y`, by sixty products of matrices."""
    names = ["x", *(f"h{at}" for at in range(59)), "y"]
    nodes = [graphs.node("MatMul", [before, "w"], [after]) for before, after in itertools.pairwise(names)]
    shape = ("n", 512)
    weights = [graphs.weight("w", np.eye(512, dtype=np.float32))]
    graphs.save(folder, nodes, [graphs.tensor("x", shape=shape)], [graphs.tensor("y", shape=shape)], weights)


_MAKERS: dict[str, Callable[[Path], None]] = {"fraud": _fraud, "scores": _scores, "pair": _pair, "slow": _slow}
