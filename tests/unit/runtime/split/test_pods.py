"""Two pods as they run on a cluster: processes of their own, tables in files, ends without a word."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.unit.runtime.pod import Pod
from tests.unit.runtime.split.town import Client, Told, body, until

TABLE = {"shield": {}, "salt": "s", "keyHeader": "x-user"}


def share(stable: Pod, candidate: Pod, generation: int, weight: int) -> None:
    revisions: dict[str, Any] = {
        "abc": {"version": "3", "role": "stable", "weight": 100 - weight},
        "def": {"version": "4", "role": "candidate", "weight": weight, "address": f"127.0.0.1:{candidate.port}"},
    }
    draft = stable.routes / "draft"
    draft.write_text(json.dumps({"generation": generation, "revisions": revisions, **TABLE}))
    draft.replace(stable.routes / "routes.json")


def state(pod: Pod) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(pod.admin("/state")[1])
    return found


@asynccontextmanager
async def asked(port: int, clients: int = 4) -> AsyncIterator[list[Told]]:
    """Every answer to clients that ask all the time."""
    told: list[Told] = []
    stop = asyncio.Event()

    async def run() -> None:
        client = Client(port)
        while not stop.is_set():
            told.append(await client.ask(data=body()))
            await asyncio.sleep(0.005)
        client.close()

    running = [asyncio.create_task(run()) for _ in range(clients)]
    yield told
    stop.set()
    await asyncio.gather(*running)


def made(downloads: dict[str, Path], pod: Callable[..., Pod], **more: Any) -> Pod:
    found = pod("file:///nowhere", **more)
    os.rmdir(found.models)
    os.symlink(downloads["same"], found.models)
    return found


async def test_nobody_notices_a_candidate_that_is_killed_and_comes_back(
    downloads: dict[str, Path], pod: Callable[..., Pod]
) -> None:
    stable, candidate = made(downloads, pod), made(downloads, pod, version="4", revision="def")
    for each in (stable, candidate):
        each.serve()
    share(stable, candidate, 1, 50)
    await until(lambda: state(stable)["routes"]["generation"] == 1)
    async with asked(stable.port) as told:
        await until(lambda: len(told) > 200)
        assert candidate.process
        candidate.process.kill()
        candidate.process.wait()
        await asyncio.sleep(1)
        lost = len(told)
        assert state(stable)["forwarded"]["def"]["held"] > 0
        candidate.serve()
        # Tried each half second, and trusted after five good tries.
        await until(lambda: [each.revision for each in told[-20:]].count("def") >= 8, 10)
        assert len(told) > lost
    assert {each.status for each in told} == {200}
    report = state(stable)["forwarded"]["def"]
    assert set(report["outcomes"]) == {"ok", "broken"}
    assert report["outcomes"]["broken"] == report["shielded"] < 30


async def test_what_takes_the_candidate_out_takes_effect_within_a_second(
    downloads: dict[str, Path], pod: Callable[..., Pod]
) -> None:
    stable, candidate = made(downloads, pod), made(downloads, pod, version="4", revision="def")
    for each in (stable, candidate):
        each.serve()
    share(stable, candidate, 1, 100)
    await until(lambda: state(stable).get("generation") == 1)
    async with asked(stable.port) as told:
        await until(lambda: len(told) > 50)
        assert {each.revision for each in told[-10:]} == {"def"}
        began = time.monotonic()
        stable.write_routes(2, {"abc": {"version": "3", "role": "stable", "weight": 100}})
        await until(lambda: told[-1].revision == "abc")
        assert time.monotonic() - began < 1
    assert {each.status for each in told} == {200}
    assert state(candidate)["inFlight"] == 0
