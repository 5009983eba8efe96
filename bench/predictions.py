"""What one prediction costs: CPU of the serving process per request, beside uvicorn's constant answer.

    python -m bench.predictions [requests]

Closed loop over 127.0.0.1, keep-alive, one row of 30 features, gradient boosting of 20 trees. CPU time comes from the
kernel's account of the server process, so a busy machine and a slow client disturb it little; the two servers take
turns, and the ratio is what to look at.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod, ask, free_port

CONNECTIONS = 16
ROUNDS = 3
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


async def connection(port: int, wire: bytes, count: int, seconds: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        began = time.perf_counter()
        writer.write(wire)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        assert head.startswith(b"HTTP/1.1 200"), head
        seconds.append(time.perf_counter() - began)
    writer.close()


async def measure(name: str, pid: int, port: int, wire: bytes, requests: int) -> float:
    seconds: list[float] = []
    await connection(port, wire, 200, [])
    before, began = cpu_seconds(pid), time.perf_counter()
    share = requests // CONNECTIONS
    await asyncio.gather(*(connection(port, wire, share, seconds) for _ in range(CONNECTIONS)))
    cpu = (cpu_seconds(pid) - before) / len(seconds) * 1e6
    rate = len(seconds) / (time.perf_counter() - began)
    middle, late = statistics.median(seconds) * 1e3, sorted(seconds)[int(len(seconds) * 0.99)] * 1e3
    print(f"{name:10} {cpu:7.1f} us CPU/request  {rate:8.0f} requests/s  p50 {middle:.2f} ms  p99 {late:.2f} ms")
    return cpu


def start_constant() -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("constant.py")), str(port)])
    while True:
        try:
            ask(port, "GET", "/")
            return process, port
        except OSError:
            time.sleep(0.01)


def start_pod(folder: Path) -> Pod:
    models.write_boosting(folder / "boosting")
    pod = Pod(folder / "pod", f"file://{folder / 'boosting'}", {})
    assert pod.download().returncode == 0
    began = time.perf_counter()
    pod.serve()
    assert pod.process
    print(f"ready after {time.perf_counter() - began:.2f} s, {resident_mib(pod.process.pid):.0f} MiB resident")
    return pod


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    tensor = {"name": "X", "shape": [1, 30], "datatype": "FP32", "data": models.rows(1)[0].tolist()}
    body = json.dumps({"inputs": [tensor]}).encode()
    head = "POST /v2/models/fraud/infer HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    wire = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    with tempfile.TemporaryDirectory() as folder:
        pod = start_pod(Path(folder))
        floor, port = start_constant()
        assert pod.process
        try:
            ratios = []
            for _ in range(ROUNDS):
                constant = asyncio.run(measure("constant", floor.pid, port, wire, requests))
                ratios.append(asyncio.run(measure("moorage", pod.process.pid, pod.port, wire, requests)) / constant)
            print(f"ratio to the constant answer: {statistics.median(ratios):.2f}")
            print(f"{resident_mib(pod.process.pid):.0f} MiB resident after the load")
        finally:
            floor.terminate()
            floor.wait()
            pod.kill()


if __name__ == "__main__":
    main()
