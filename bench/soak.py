"""An hour of mixed traffic: does the process grow, does it ever fail?

    python -m bench.soak [--seconds 3600] [--rate 2000]

Open loop over 127.0.0.1 at `rate` requests a second, through every door: V2 JSON with one row and with 32, binary
tensors, V1, named features, gRPC, one refused body in twenty; keys, cache, access log and metrics on, every request
with other values. Every connection is renewed now and then. Ends with the growth of the resident memory (least squares
after the warm-up, MiB an hour) and the number of answers that were not what they should be; exits with 1 when the
growth reaches 1 MiB an hour or one answer was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tests.ports import free_port
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod

KEY = "soak-key"
WARM_UP = 0.1
"""Share of the time that is left out of the slope."""
SAMPLE_SECONDS = 5.0
CONNECTION_REQUESTS = 2000
GROWTH_MIB = 1.0
Ask = Callable[[], Awaitable[str]]


class Http:
    """One keep-alive connection, renewed after some requests."""

    def __init__(self, port: int, wires: Iterator[tuple[str, bytes, int]]) -> None:
        self.port, self.wires, self.left = port, wires, 0
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self) -> str:
        """One request; gives `door:ok`, or what was wrong."""
        door, wire, expected = next(self.wires)
        if self.writer is None or self.left == 0:
            if self.writer is not None:
                self.writer.close()
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.left = CONNECTION_REQUESTS
        self.left -= 1
        self.writer.write(wire)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        await self.reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        status = int(head[9:12])
        return f"{door}:ok" if status == expected else f"{door}: {status} instead of {expected}"


def wires(seed: int) -> Iterator[tuple[str, bytes, int]]:
    """Endless requests: door, bytes, expected status."""
    chance = np.random.default_rng(seed)
    data = models.data().data.astype(np.float32)
    names = list(map(str, models.data().feature_names))
    makers = [_one_row, _many_rows, _binary, _v1, _features, _refused]
    shares = np.array([40, 5, 15, 15, 20, 5]) / 100
    while True:
        maker = makers[chance.choice(len(makers), p=shares)]
        row = data[chance.integers(len(data))] * np.float32(1 + chance.random() / 100)
        yield maker(row, names)


def _wire(path: str, body: bytes, extra: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: soak\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n"
    return f"{head}{extra}content-length: {len(body)}\r\n\r\n".encode() + body


def _tensor(rows: Any) -> dict[str, Any]:
    return {"name": "X", "shape": list(rows.shape), "datatype": "FP32", "data": rows.ravel().tolist()}


def _one_row(row: Any, _names: list[str]) -> tuple[str, bytes, int]:
    body = json.dumps({"inputs": [_tensor(row[None])]}).encode()
    return "v2", _wire("/v2/models/fraud/infer", body), 200


def _many_rows(row: Any, _names: list[str]) -> tuple[str, bytes, int]:
    body = json.dumps({"inputs": [_tensor(np.repeat(row[None], 32, 0))]}).encode()
    return "v2x32", _wire("/v2/models/fraud/infer", body), 200


def _binary(row: Any, _names: list[str]) -> tuple[str, bytes, int]:
    raw = row.tobytes()
    tensor = {"name": "X", "shape": [1, 30], "datatype": "FP32", "parameters": {"binary_data_size": len(raw)}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    length = f"inference-header-content-length: {len(head)}\r\n"
    return "binary", _wire("/v2/models/fraud/infer", head + raw, length), 200


def _v1(row: Any, _names: list[str]) -> tuple[str, bytes, int]:
    body = json.dumps({"instances": [row.tolist()]}).encode()
    return "v1", _wire("/v1/models/fraud:predict", body), 200


def _features(row: Any, names: list[str]) -> tuple[str, bytes, int]:
    body = json.dumps({"features": dict(zip(names, row.tolist(), strict=True))}).encode()
    return "features", _wire("/v1/predict", body), 200


def _refused(row: Any, _names: list[str]) -> tuple[str, bytes, int]:
    body = json.dumps({"inputs": [_tensor(row[None, :7])]}).encode()
    return "refused", _wire("/v2/models/fraud/infer", body), 400


def grpc_asker(port: int, seed: int) -> Ask:
    """Asks over gRPC, by NVIDIA's client."""
    import tritonclient.grpc.aio as triton

    client = triton.InferenceServerClient(f"127.0.0.1:{port}")
    chance, data = np.random.default_rng(seed), models.rows(200)

    async def ask() -> str:
        tensor = triton.InferInput("X", [1, 30], "FP32")
        tensor.set_data_from_numpy(data[chance.integers(200)][None])
        found = await client.infer("fraud", [tensor], headers={"authorization": f"Bearer {KEY}"})
        return "grpc:ok" if found.as_numpy("label").shape == (1,) else "grpc: wrong shape"

    return ask


async def worker(ask: Ask, pause: float, until: float, seen: Counter[str]) -> None:
    """One client at its own pace; a slow answer delays its next question, but never loses a turn of the clock."""
    due = time.monotonic() + pause / 2
    while due < until:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due += pause
        try:
            seen[await asyncio.wait_for(ask(), 10)] += 1
        except Exception as error:
            seen[f"{type(error).__name__}: {error}"] += 1


async def watch(pid: int, until: float, samples: list[tuple[float, float]]) -> None:
    """Seconds and MiB, until the end."""
    began = time.monotonic()
    for turn in itertools.count():
        samples.append((time.monotonic() - began, resident_mib(pid)))
        if turn % 60 == 0:
            print(f"{samples[-1][0]:6.0f} s  {samples[-1][1]:6.1f} MiB", flush=True)
        if time.monotonic() > until:
            return
        await asyncio.sleep(SAMPLE_SECONDS)


def resident_mib(pid: int) -> float:
    """Of one process."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


async def load(pod: Pod, seconds: float, rate: float) -> tuple[Counter[str], list[tuple[float, float]]]:
    """Everything at once."""
    until, seen = time.monotonic() + seconds, Counter[str]()
    samples: list[tuple[float, float]] = []
    askers: list[Ask] = [Http(pod.port, wires(number)).ask for number in range(14)]
    askers += [grpc_asker(pod.grpc_port, number) for number in range(2)]
    assert pod.process
    watching = asyncio.create_task(watch(pod.process.pid, until, samples))
    await asyncio.gather(*(worker(ask, len(askers) / rate, until, seen) for ask in askers))
    await watching
    return seen, samples


def slope(samples: list[tuple[float, float]]) -> float:
    """MiB an hour after the warm-up."""
    after = [each for each in samples if each[0] >= samples[-1][0] * WARM_UP]
    times, sizes = (np.array(column) for column in zip(*after, strict=True))
    return float(np.polyfit(times / 3600, sizes, 1)[0])


def started(folder: Path) -> Pod:
    """A serving pod with everything switched on."""
    models.write_boosting(folder / "model")
    keys = folder / "keys"
    keys.mkdir()
    (keys / "soak").write_text(KEY)
    settings = {"apiKeys": True, "accessLogPercent": 1.0, "cache": {"maxEntries": 1000, "ttlSeconds": 10}}
    pod = Pod(folder / "pod", f"file://{folder / 'model'}", settings)
    pod.variables |= {"MOORAGE_API_KEYS_DIR": str(keys)}
    pod.grpc_port = free_port()
    if pod.download().returncode:
        raise SystemExit(str(pod.termination()))
    pod.serve()
    return pod


def main() -> int:
    """Run it, print the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--rate", type=float, default=2000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pod = started(Path(folder))
        try:
            seen, samples = asyncio.run(load(pod, asked.seconds, asked.rate))
        finally:
            pod.kill()
    wrong = {what: count for what, count in seen.items() if not what.endswith(":ok")}
    growth = slope(samples)
    print(json.dumps(dict(sorted(seen.items())), indent=1))
    print(f"{sum(seen.values())} requests, {sum(wrong.values())} wrong; {samples[-1][1]:.1f} MiB at the end, ", end="")
    print(f"{growth:+.2f} MiB an hour (bar: < {GROWTH_MIB:g})")
    return 1 if wrong or growth >= GROWTH_MIB else 0


if __name__ == "__main__":
    sys.exit(main())
