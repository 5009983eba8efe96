"""h2spec, the judge of HTTP/2 and HPACK: its cases of both RFCs, over a socket, on the loop that serves."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop
from e2e.cluster import gobuild
from e2e.cluster.cache import Cache
from e2e.cluster.layout import discover
from tests.unit.runtime.http2.wire import Shop

from moorage_runtime.servers.http2.head import Head
from moorage_runtime.servers.http2.hpack import write
from moorage_runtime.servers.http2.listener import Listener
from moorage_runtime.servers.http2.stream import Stream

H2SPEC = gobuild.Program("h2spec", ("github.com/summerwind/h2spec/cmd/h2spec",))
CASES = "145 tests, 145 passed, 0 skipped, 0 failed"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


class Told:
    """Answers with a body: without one, h2spec leaves out what it knows of windows."""

    eager = patient = False

    def opened(self, stream: Stream) -> None: ...
    def writable(self, stream: Stream) -> None: ...
    def gone(self, stream: Stream) -> None: ...
    def dismiss(self, stream: Stream, fault: Exception) -> None: ...

    def data(self, stream: Stream, data: bytes, last: bool) -> None:
        if last:
            stream.answer(write(((b":status", b"200"),)), b"moored" * 20, write(((b"x-end", b"1"),)))


class Plain(Shop):
    def route(self, head: Head) -> Told:
        return Told()


@pytest.mark.skipif(not shutil.which("go"), reason="needs Go")
async def test_every_case_of_both_standards(tmp_path: Path) -> None:
    built = await asyncio.to_thread(gobuild.binaries, H2SPEC, Cache(discover(os.environ).cache))
    listener = Listener(Plain(), "127.0.0.1", 0)
    await listener.start()
    judge = await asyncio.create_subprocess_exec(
        built / "h2spec", "-h", "127.0.0.1", "-p", str(listener.port), "-o", "10", stdout=asyncio.subprocess.PIPE
    )
    said, _ = await judge.communicate()
    await listener.stop(0)
    assert CASES in said.decode(), said.decode()[said.decode().rfind("Failures:") :]
