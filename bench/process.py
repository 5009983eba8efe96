"""One server's life: started on core 0, asked until its answer is right, stopped with all that it forked."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

from tests.ports import free_ports

from . import environments, models, questions
from .account import family
from .answers import Wrong
from .cells import Cell
from .contestant import Contestant
from .load import lift
from .payloads import Payload
from .places import SERVERS

CORE = "0"
MARK = "MOORAGE_BENCH_MARK"
READY_SECONDS = 90.0
STOP_SECONDS = 5.0
FOREIGN = ("RAY_", "MLSERVER_", "BENTOML_", "MOORAGE_", "PYTHON", "VIRTUAL_ENV", "AWS_", "MLFLOW_")


class NotReady(Exception):
    """A server that gives no right answer in time; the message is the end of its log."""


class Server:
    """A running contestant."""

    def __init__(self, contestant: Contestant, runtime: Path, folder: Path) -> None:
        self.contestant = contestant
        self.runtime = runtime
        self.port = free_ports(3)
        self.folder = folder
        self.log = self.folder / "log"
        self.mark = uuid.uuid4().hex
        python = environments.python(contestant.peer)
        self.places = self._places(python)
        self.environment = self._environment(python)
        self._prepare()
        self.began = time.monotonic()
        self.process = self._start()

    def _places(self, python: Path) -> dict[str, str]:
        return {
            "port": str(self.port),
            "grpc_port": str(self.port + 1),
            "admin_port": str(self.port + 2),
            "python": str(python),
            "bin": str(python.parent),
            "site": str(next((python.parent.parent / "lib").glob("python3*/site-packages"))),
            "servers": str(SERVERS),
            "runtime": str(self.runtime),
            "folder": str(self.folder),
            "artifact": str(models.artifact(self.contestant.model)),
        }

    def _fill(self, text: str) -> str:
        return Template(text).substitute(self.places)

    def _environment(self, python: Path) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        own = {name: self._fill(value) for name, value in self.contestant.environment.items()}
        shared = {
            "PATH": f"{python.parent}:{kept['PATH']}",
            "PORT": str(self.port),
            "MODEL": f"{self.places['artifact']}/model.onnx",
            "PYTHONPATH": str(SERVERS),
            "ORT_DISABLE_TELEMETRY": "1",
            MARK: self.mark,
        }
        return kept | shared | own

    def _prepare(self) -> None:
        command = [self._fill(word) for word in self.contestant.prepare]
        if command:
            done = subprocess.run(
                command, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise NotReady(f"{' '.join(command)}: {(done.stdout + done.stderr)[-600:]}")

    def _start(self) -> subprocess.Popen[bytes]:
        command = [self._fill(word) for word in self.contestant.command]
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                ["taskset", "-c", CORE, *command],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        lift(process.pid)
        return process

    def port_of(self, cell: Cell) -> int:
        """Where a cell's requests go."""
        return self.port + 1 if cell.door == "grpc" else self.port

    def wait(self, cell: Cell, payload: Payload) -> float:
        """Ask until the answer is right; seconds since the start. Raises NotReady."""
        end, last = self.began + READY_SECONDS, "no answer"
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.check(cell, payload)
                return time.monotonic() - self.began
            except (OSError, Wrong) as fault:
                last = str(fault)
            time.sleep(0.005)
        raise NotReady(f"{last}; {self.log.read_text(errors='replace')[-800:]}")

    def check(self, cell: Cell, payload: Payload) -> None:
        """Ask once. Raises OSError without an answer, Wrong for one that is not the model's."""
        questions.ask(self.contestant, cell, self.port_of(cell), payload)

    def pids(self) -> list[int]:
        """All its processes."""
        return family(self.process.pid, f"{MARK}={self.mark}")

    def stop(self) -> None:
        """End it politely, then all that is left."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        while time.monotonic() < end and (self.process.poll() is None or self.pids()):
            time.sleep(0.05)
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)


@contextmanager
def running(contestant: Contestant, runtime: Path) -> Iterator[Server]:
    """A server for the time of a block; `runtime` holds our package. Raises NotReady, environments.Unavailable."""
    # Not in the cache: Ray's sockets lie here, and the path of one may have 107 bytes.
    with TemporaryDirectory(prefix="moorage-bench-", ignore_cleanup_errors=True) as folder:
        server = Server(contestant, runtime, Path(folder))
        try:
            yield server
        finally:
            server.stop()
