"""Answers in a real Redis, which may die, hang, forget its password or fill up: no request ever suffers from it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import redis
import uvloop
from tests.unit.runtime.pod import Pod
from tests.unit.runtime.redis_server import RedisServer

from moorage_runtime.caching import remote
from moorage_runtime.caching.memory import MemoryStore
from moorage_runtime.caching.opening import open_store
from moorage_runtime.caching.remote import VALUE_BYTES, RedisStore
from moorage_runtime.caching.store import Outputs
from moorage_runtime.config import Cache
from moorage_runtime.errors import RuntimeFault
from moorage_runtime.tensors import Array

KEY = "abababababababab:00ff"
ANSWER = {"label": np.array([1]), "probabilities": np.array([[0.25, np.nan]], np.float32)}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(shared: RedisServer) -> Iterator[RedisServer]:
    """The module's server, running and empty."""
    if shared.process is None:
        shared.start()
    shared.resume()
    foreign(shared).flushall()
    yield shared
    shared.resume() if shared.process else shared.start()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    made: list[RedisServer] = []

    def make(**options: object) -> RedisServer:
        made.append(RedisServer(tmp_path, **options))  # type: ignore[arg-type]
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.kill()


def foreign(server: RedisServer) -> redis.Redis:
    """The judge: somebody else's client."""
    return redis.Redis(port=server.port, db=3, password=server.password or None)


@asynccontextmanager
async def opened(
    server: RedisServer, ttl: float = 60.0, max_bytes: int = 1 << 22, *, patience: float = 5.0, welcome: bool = True
) -> AsyncIterator[RedisStore]:
    """A store that is connected, if it is `welcome`; it waits for replies with the `patience` of a busy machine."""
    where = remote.address(server.url, server.folder, server.folder / "ca.crt")
    store = RedisStore(where, ttl, max_bytes, patience)
    assert await fetch(store) is None
    await (until(lambda: store.up) if welcome else asyncio.sleep(0.5))
    yield store
    store.close()


async def fetch(store: RedisStore, key: str = KEY) -> Outputs | None:
    found: asyncio.Future[Outputs | None] = asyncio.get_running_loop().create_future()
    store.fetch(key, found.set_result)
    return await found


async def until(true: Callable[[], bool], seconds: float = 2.0) -> None:
    for _ in range(round(seconds * 100)):
        if true():
            return
        await asyncio.sleep(0.01)
    assert true()


def same(found: Outputs | None, wanted: dict[str, Array]) -> bool:
    return found is not None and {n: (a.dtype, a.tobytes()) for n, a in found.items()} == {
        name: (array.dtype, array.tobytes()) for name, array in wanted.items()
    }


async def test_an_answer_comes_back_to_the_bit(server: RedisServer) -> None:
    async with opened(server) as store, opened(server) as neighbour:
        assert await fetch(store) is None
        store.keep(KEY, ANSWER)
        assert same(await fetch(store), ANSWER)
        assert same(await fetch(neighbour), ANSWER)
        assert await fetch(store, "other:00") is None
        assert store.failures == 0


async def test_a_foreign_client_sees_the_key_and_its_time(server: RedisServer) -> None:
    async with opened(server, ttl=60.0) as store:
        store.keep(KEY, ANSWER)
        assert await fetch(store) is not None
        assert foreign(server).keys() == [f"moorage:{KEY}".encode()]
        assert 55_000 < foreign(server).pttl(f"moorage:{KEY}") <= 60_000


async def test_an_answer_lives_as_long_as_allowed(server: RedisServer) -> None:
    async with opened(server, ttl=0.2) as store:
        store.keep(KEY, ANSWER)
        assert await fetch(store) is not None
        await asyncio.sleep(0.25)
        assert await fetch(store) is None


async def test_many_questions_of_one_turn_each_get_their_own_answer(server: RedisServer) -> None:
    async with opened(server, max_bytes=1 << 24) as store:
        for number in range(500):
            store.keep(f"k:{number}", {"y": np.full(number, number)})
        asked = [fetch(store, f"k:{number}") for number in range(500)]
        for number, found in enumerate(await asyncio.gather(*asked)):
            assert same(found, {"y": np.full(number, number)})


async def test_a_large_answer_is_not_sent_nor_more_than_may_wait(server: RedisServer) -> None:
    async with opened(server, max_bytes=1000) as store:
        store.keep("large", {"y": np.zeros(VALUE_BYTES)})
        store.keep("fits", {"y": np.zeros(80)})
        store.keep("waits", {"y": np.zeros(80)})
        found = [await fetch(store, key) is not None for key in ("large", "fits", "waits")]
        assert found == [False, True, False]


async def test_what_others_wrote_there_is_no_answer(server: RedisServer) -> None:
    async with opened(server) as store:
        foreign(server).set(f"moorage:{KEY}", b"nonsense")
        assert await fetch(store) is None
        foreign(server).delete(f"moorage:{KEY}")
        foreign(server).lpush(f"moorage:{KEY}", "a list")
        assert await fetch(store) is None
        assert (store.failures, store.up) == (1, True)


async def test_a_full_redis_keeps_nothing_and_hurts_nobody(server: RedisServer) -> None:
    foreign(server).config_set("maxmemory", "1")
    try:
        async with opened(server) as store:
            store.keep(KEY, ANSWER)
            assert await fetch(store) is None
            assert (store.failures, store.up) == (1, True)
    finally:
        foreign(server).config_set("maxmemory", "64mb")


async def test_a_killed_redis_costs_nothing_and_is_found_again(server: RedisServer) -> None:
    async with opened(server) as store:
        server.kill()
        await until(lambda: not store.up)
        began = time.perf_counter()
        for _ in range(1000):
            assert await fetch(store) is None
            store.keep(KEY, ANSWER)
        assert time.perf_counter() - began < 0.5
        server.start()
        await until(lambda: store.up, 5.0)
        store.keep(KEY, ANSWER)
        assert same(await fetch(store), ANSWER)


async def test_a_redis_that_hangs_costs_its_time_once(server: RedisServer) -> None:
    async with opened(server, patience=remote.TIMEOUT_SECONDS) as store:
        server.pause()
        began = time.perf_counter()
        assert await asyncio.gather(*[fetch(store) for _ in range(100)]) == [None] * 100
        waited = time.perf_counter() - began
        assert 0.04 < waited < 0.5
        assert not store.up
        began = time.perf_counter()
        for _ in range(1000):
            assert await fetch(store) is None
        assert time.perf_counter() - began < 0.5
        server.resume()
        await until(lambda: store.up, 5.0)
        store.keep(KEY, ANSWER)
        assert same(await fetch(store), ANSWER)


def test_a_busy_loop_reads_what_arrived_before_it_gives_up(server: RedisServer) -> None:
    reading, writing = socket.socketpair()

    def keep_busy() -> None:
        reading.recv(1)
        server.resume()
        time.sleep(0.4)

    async def ask() -> None:
        async with opened(server, patience=0.2) as store:
            store.keep(KEY, ANSWER)
            assert await fetch(store) is not None
            server.pause()
            asyncio.get_running_loop().add_reader(reading, keep_busy)
            asked = asyncio.ensure_future(fetch(store))
            await asyncio.sleep(0.05)
            writing.send(b"x")
            assert same(await asked, ANSWER)
            assert store.up

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ask())


async def test_a_connection_that_ends_again_and_again_is_tried_ever_more_rarely(server: RedisServer) -> None:
    async with opened(server) as store:
        tries = 0
        ended = time.monotonic() + 1.5
        while time.monotonic() < ended:
            if store.up:
                tries += 1
                foreign(server).client_kill_filter(_type="normal", skipme=True)
                await until(lambda: not store.up)
            await asyncio.sleep(0.005)
        assert 2 <= tries <= 6


@pytest.mark.parametrize("username", ["", "default"])
async def test_a_password_is_read_anew_when_it_no_longer_fits(
    username: str, guarded: Callable[..., RedisServer], tmp_path: Path
) -> None:
    server = guarded(password="first")
    (tmp_path / "password").write_text("first\n")
    (tmp_path / "username").write_text(username)
    async with opened(server) as store:
        assert store.up
        foreign(server).config_set("requirepass", "second")
        server.password = "second"
        foreign(server).client_kill_filter(_type="normal", skipme=True)
        await asyncio.sleep(0.3)
        assert not store.up
        assert await fetch(store) is None
        (tmp_path / "password").write_text("second\n")
        await until(lambda: store.up, 5.0)
        store.keep(KEY, ANSWER)
        assert same(await fetch(store), ANSWER)


async def test_a_redis_that_wants_a_password_we_have_not_is_told_once(
    guarded: Callable[..., RedisServer], caplog: pytest.LogCaptureFixture
) -> None:
    server = guarded(password="secret")
    async with opened(server, welcome=False) as store:
        assert not store.up
        told = [record for record in caplog.records if record.message == "response cache out of reach"]
        assert len(told) == 1
        assert "NOAUTH" in told[0].detail  # type: ignore[attr-defined]


async def test_over_tls_only_a_trusted_server_is_believed(guarded: Callable[..., RedisServer], tmp_path: Path) -> None:
    server = guarded(tls=True)
    async with opened(server) as store:
        store.keep(KEY, ANSWER)
        assert same(await fetch(store), ANSWER)
    (tmp_path / "ca.crt").unlink()
    async with opened(server, welcome=False) as store:
        assert not store.up


async def test_who_is_no_redis_is_left_alone() -> None:
    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    listening = await asyncio.start_server(http, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    where = remote.address(f"redis://127.0.0.1:{port}", Path("/nowhere"), Path("/nowhere"))
    store = RedisStore(where, 60.0, 1000)
    assert await fetch(store) is None
    await asyncio.sleep(0.3)
    assert not store.up
    store.close()
    listening.close()


def test_the_deployment_decides_where_answers_lie() -> None:
    assert isinstance(open_store(Cache(redis="redis://cache.example:1"), time.monotonic), RedisStore)
    assert isinstance(open_store(Cache(), time.monotonic), MemoryStore)


@pytest.mark.parametrize(
    "url",
    [
        "http://x", "redis://", "redis://x/a", "redis://x/1/2", "redis://x/٣", "redis://x:99999", "redis://[::1", "",
        "redis://me:hush", "redis://me:hush@x",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_telling_what_may_be_a_password(url: str) -> None:
    with pytest.raises(RuntimeFault) as caught:
        open_store(Cache(redis=url), time.monotonic)
    assert caught.value.reason == "ConfigInvalid"
    assert caught.value.message.startswith("cache.redis must be redis:// or rediss://")
    assert "hush" not in caught.value.message


def test_a_pod_that_is_told_no_address_says_so_as_its_last_word(artifacts: Path, pod: Callable[..., Pod]) -> None:
    made = pod(f"file://{artifacts / 'logistic'}", cache={"redis": "redis://cache.example:99999"})
    assert made.download().returncode == 0
    made.start()
    assert made.process is not None
    assert made.process.wait(20) == 2
    assert made.termination() == {
        "reason": "ConfigInvalid",
        "message": "cache.redis must be redis:// or rediss:// and host[:port][/database], the port at most 65535",
    }
    assert "Traceback" not in made.log()


def test_an_address_has_a_default_port_and_database() -> None:
    where = remote.address("rediss://cache.example", Path("/a"), Path("/b"))
    assert (where.host, where.port, where.database, where.tls) == ("cache.example", 6379, 0, True)
    assert remote.address("redis://[::1]:7000/12", Path("/a"), Path("/b")).database == 12
