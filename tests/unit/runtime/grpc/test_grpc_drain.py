"""The end of a port: clients go elsewhere, and lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from tests.unit.runtime.grpc.port import Port, infer, opened, question
from tests.unit.runtime.grpc.test_grpc_port import SLOW, until

from moorage_runtime.servers.http2.limits import Limits


class Service:
    """What kube-proxy is to a client: one address, and new connections go to a pod that is there for them."""

    def __init__(self, pod: Port) -> None:
        self.pod = pod
        self.number = 0
        self._pumps: set[asyncio.Task[None]] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self.pod.number)
        for pump in (self._pump(reader, ours), self._pump(theirs, writer)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
        except ConnectionError:
            pass
        writer.close()


@asynccontextmanager
async def service(pod: Port) -> AsyncIterator[Service]:
    made = Service(pod)
    server = await asyncio.start_server(made.take, "127.0.0.1", 0)
    made.number = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.mark.parametrize("cost", [1e-6, SLOW])
async def test_clients_leave_a_pod_that_drains(cost: float) -> None:
    """As a pod ends: no new connection comes, it waits until nobody asks any more, its port closes; nothing is lost."""
    soon = Limits(age_seconds=0.5)
    async with opened(cost, transport=soon) as first, opened(cost, transport=soon) as second, service(first) as between:
        done, leave = 0, asyncio.Event()

        async def ask(channel: grpc.aio.Channel) -> None:
            nonlocal done
            while not leave.is_set():
                await infer(channel)
                done += 1

        own = [("grpc.use_local_subchannel_pool", 1)]
        channels = [grpc.aio.insecure_channel(f"127.0.0.1:{between.number}", options=own) for _ in range(4)]
        clients = [asyncio.create_task(ask(channel)) for channel in channels for _ in range(4)]
        for leaving, coming in ((first, second), (second, first), (first, second)):
            await until(lambda wanted=done + 200: done > wanted)
            between.pod = coming
            assert await leaving.traffic.drained(8)
        await first.listener.stop(5)
        await until(lambda wanted=done + 200: done > wanted)
        leave.set()
        await asyncio.gather(*clients)
        for channel in channels:
            await channel.close()


async def test_what_is_under_way_ends_before_the_port_does() -> None:
    async with opened(SLOW) as port, port.channel() as channel:
        asked = [asyncio.ensure_future(infer(channel, question((0.5, 0)))) for _ in range(3)]
        await until(lambda: len(port.engine.cancels) == 3)
        await port.listener.stop(5)
        assert len(await asyncio.gather(*asked)) == 3


async def test_what_takes_too_long_is_not_waited_for() -> None:
    async with opened(SLOW) as port, port.channel() as channel:
        asked = asyncio.ensure_future(infer(channel, question((60, 0))))
        await until(lambda: port.engine.cancels)
        async with asyncio.timeout(5):
            await port.listener.stop(0.3)
        with pytest.raises(grpc.aio.AioRpcError):
            await asked


async def test_a_stream_outlives_the_age_of_its_connection() -> None:
    async with opened(transport=Limits(age_seconds=0.2)) as port, port.channel() as channel:
        call = channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")()
        for _ in range(8):
            await call.write(question())
            assert await call.read()
            await asyncio.sleep(0.1)
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
