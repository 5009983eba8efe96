"""Memory that is free goes back to the system, wherever it lies and whatever still holds it in cycles."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.runtime.pod import RUNTIME, Pod

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells what a process has")

# 64 MiB in pieces that glibc takes from its heap: in a cycle, before something that stays, and of a thread of its own.
SCRIPT = """
import asyncio, gc, threading, time
from moorage_runtime.servers import heap

def pieces():
    return [bytearray(64 << 10) for _ in range(1024)]

def cycle():
    found = [pieces()]
    found.append(found)
    return bytes(64 << 10)

def in_a_thread():
    kept = []
    def work():
        made = pieces()
        kept.append(bytes(64 << 10))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return kept

async def main():
    watching = asyncio.create_task(heap.watch())
    await asyncio.sleep(0.1)
    before = heap._resident()
    kept = [cycle(), in_a_thread()]
    most = heap._resident()
    end = time.monotonic() + 20
    while heap._resident() > before + (6 << 20) and time.monotonic() < end:
        await asyncio.sleep(0.05)
    print(before >> 10, most >> 10, heap._resident() >> 10)
    watching.cancel()

gc.disable()
heap.bound()
heap.LOOK_SECONDS = 0.05
asyncio.run(main())
"""


def test_what_is_free_is_given_back() -> None:
    command = [sys.executable, "-c", SCRIPT]
    environment = os.environ | {"PYTHONPATH": str(RUNTIME)}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout
    before, most, after = map(int, told.split())
    assert most > before + (60 << 10)
    assert after <= before + (6 << 10)


LOADS = """
import gc, os
from pathlib import Path
from moorage_runtime import config
from moorage_runtime.repository.load import load
gc.disable()
load(config.decode_config(os.environ[config.CONFIG_ENV]), Path(os.environ["MOORAGE_MODEL_DIR"]))
print(gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


def test_what_is_loaded_is_searched_for_garbage_no_more_and_what_comes_is(
    artifacts: Path, pod: Callable[..., Pod]
) -> None:
    made = pod(f"file://{artifacts / 'logistic'}")
    assert made.download().returncode == 0
    told = subprocess.run(
        [sys.executable, "-c", LOADS], env=made.environment(), capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert told.split() == ["True", "True"]
