"""Fifty times a pod ends under load: does a client ever notice?

    python -m bench.drain [--turns 50] [--requests 1000]

Sixteen keep-alive clients ask over HTTP and four over gRPC, without a pause and without a retry, as through a Service:
new connections go to the newest pod a while after it is ready. In every turn the old pod gets SIGTERM once this turn's
requests are under way. Exits with 1 when one request failed, or a process ended otherwise than with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod
from tests.unit.runtime.test_drain import Client

CLIENTS = 16
CALLERS = 4
ENDPOINTS_SECONDS = 0.3
"""How long new connections still reach a pod that was told to end."""


class Caller:
    """Asks over gRPC, by NVIDIA's client. A client that was sent away connects anew, to the newest pod."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.answered = 0
        self.lost: list[str] = []
        self._clients: dict[int, Any] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop."""
        import tritonclient.grpc.aio as triton

        tensor = triton.InferInput("X", [1, 30], "FP32")
        tensor.set_data_from_numpy(models.rows(1))
        while not stop.is_set():
            port = self.ports[-1]
            if port not in self._clients:
                self._clients[port] = triton.InferenceServerClient(f"127.0.0.1:{port}")
            try:
                await self._clients[port].infer("fraud", [tensor])
                self.answered += 1
            except Exception as error:
                self.lost.append(repr(error))
        for each in self._clients.values():
            await each.close()


def started(folder: Path, turn: int) -> Pod:
    """A ready pod of its own version."""
    pod = Pod(folder / f"pod{turn}", f"file://{folder / 'model'}", {"version": str(turn)})
    if pod.download().returncode:
        raise SystemExit(str(pod.termination()))
    pod.serve()
    return pod


async def turns(folder: Path, count: int, requests: int) -> tuple[int, list[str], list[int]]:
    """Answers, losses and exit codes."""
    pod = await asyncio.to_thread(started, folder, 0)
    http, grpc, stop = [pod.port], [pod.grpc_port], asyncio.Event()
    clients = [Client(http) for _ in range(CLIENTS)]
    callers = [Caller(grpc) for _ in range(CALLERS)]
    everybody: list[Client | Caller] = [*clients, *callers]
    running = [asyncio.create_task(each.run(stop)) for each in everybody]
    codes: list[int] = []
    for turn in range(1, count + 1):
        newer = await asyncio.to_thread(started, folder, turn)
        wanted = turn * requests
        while sum(each.answered for each in everybody) < wanted:  # noqa: ASYNC110 - twenty clients, one count
            await asyncio.sleep(0.005)
        assert pod.process
        pod.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(ENDPOINTS_SECONDS)
        http.append(newer.port)
        grpc.append(newer.grpc_port)
        codes.append(await asyncio.to_thread(pod.process.wait, 90))
        pod = newer
    stop.set()
    await asyncio.gather(*running)
    pod.kill()
    return sum(each.answered for each in everybody), [loss for each in everybody for loss in each.lost], codes


def main() -> int:
    """Run it, print the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--requests", type=int, default=1000, help="at least so many in each turn")
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        models.write_boosting(Path(folder) / "model")
        answered, lost, codes = asyncio.run(turns(Path(folder), asked.turns, asked.requests))
    print(f"{answered} requests answered over {asked.turns} ends in {time.monotonic() - began:.0f} s, {len(lost)} lost")
    print("\n".join(sorted(set(lost))[:10]))
    return 1 if lost or any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
