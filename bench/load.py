"""The load, from core 1: wrk for what comes as fast as it is answered, h2load for gRPC and for a fixed pace."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .account import PROC
from .cells import Cell
from .payloads import Payload, payloads

CORE = "1"
INFER = "/inference.GRPCInferenceService/ModelInfer"
LIFT = "-10"
NONE: Mapping[str, str] = {}
GRPC = {"content-type": "application/grpc", "te": "trailers"}


class NoAnswers(Exception):
    """A generator that measured nothing; the message is its last words."""


@dataclass(frozen=True)
class Observed:
    """What a generator saw. Times in milliseconds; `refused`: answers other than 200; `lost`: no answer at all."""

    requests: int
    seconds: float
    p50: float
    p99: float
    refused: int
    lost: int


class Ammunition:
    """The requests of one cell as files."""

    def __init__(self, cell: Cell, folder: Path) -> None:
        self.cell = cell
        self.folder = folder / cell.name.replace(" ", "-").replace("/", "-")
        self.payloads = payloads(cell.door, cell.rows)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write(self.payloads)

    def _write(self, bodies: Iterable[Payload]) -> None:
        for index, payload in enumerate(bodies, 1):
            (self.folder / str(index)).write_bytes(payload.body)
        headers = self.payloads[0].headers
        (self.folder / "headers").write_text("".join(f"{name}: {value}\n" for name, value in headers.items()))

    def fire(self, port: int, path: str, seconds: int, headers: Mapping[str, str] = NONE) -> Observed:
        """Load one server for some seconds; `headers` come beside those of the bodies. Raises NoAnswers."""
        more = _options(headers)
        if self.cell.door == "grpc":
            return self._h2load(f"http://127.0.0.1:{port}{INFER}", seconds, [*_options(GRPC), *more])
        url = f"http://127.0.0.1:{port}{path}"
        if self.cell.rate:
            each = self.cell.rate / self.cell.connections
            return self._h2load(url, seconds, ["--h1", f"--rps={each:g}", *_options(self.payloads[0].headers), *more])
        return self._wrk(url, seconds, more)

    def _wrk(self, url: str, seconds: int, options: list[str]) -> Observed:
        pace = ["-t1", f"-c{self.cell.connections}", f"-d{seconds}s", "--timeout=20s", "--latency", *options]
        script = str(Path(__file__).with_name("post.lua"))
        said = _run(["wrk", *pace, "-s", script, url, "--", str(self.folder), str(len(self.payloads))])
        found = said.rpartition("\n@")[2]
        if not found.startswith("{"):
            raise NoAnswers(said[-300:])
        return Observed(**json.loads(found))

    def _h2load(self, url: str, seconds: int, options: list[str]) -> Observed:
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        pace = [f"-D{seconds}", f"-c{self.cell.connections}", "-m1", f"--log-file={log}", "-d", str(self.folder / "1")]
        said = _run(["h2load", *pace, *options, url])
        lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        times = sorted(int(line[2]) / 1e3 for line in lines if line[1] == "200")
        if not times:
            raise NoAnswers(said[-300:])
        refused = len(lines) - len(times)
        return Observed(len(times), float(seconds), _quantile(times, 0.5), _quantile(times, 0.99), refused, 0)


def _options(headers: Mapping[str, str]) -> list[str]:
    return [f"-H{name}: {value}" for name, value in headers.items()]


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _run(command: list[str]) -> str:
    with subprocess.Popen(
        ["taskset", "-c", CORE, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as generator:
        lift(generator.pid)
        said, _ = generator.communicate()
    return said


def lift(pid: int) -> None:
    """Prefer a session to its neighbours, where the kernel schedules sessions as groups and we may say so."""
    try:
        (PROC / str(pid) / "autogroup").write_text(LIFT)
    except OSError:
        return
