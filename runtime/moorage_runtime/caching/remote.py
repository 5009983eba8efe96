"""Answers in Redis, shared by all pods that are told of it.

Redis is a convenience: it may be slow, dead, full or somebody else's. A request waits for it at most `timeout` seconds,
and only while it is believed to be well. After the first failure nobody waits for it any more: every request is a miss
at once, until a new connection, tried in the background after growing pauses, has answered.

The client is our own, as a cache needs three commands: importing redis-py's asyncio client takes half a second of the
start and 28 MiB, and each of its calls a task.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from moorage_runtime.caching import wire
from moorage_runtime.caching.link import Link
from moorage_runtime.caching.memory import memory_of
from moorage_runtime.caching.resp import ErrorReply, Reply, command
from moorage_runtime.caching.store import Outputs
from moorage_runtime.errors import RuntimeFault

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.05
VALUE_BYTES = 1 << 20
# What another release may have kept; nobody sends more without bad intent.
_READ_BYTES = 16 << 20
_PORT = 6379
_CONNECT_SECONDS = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
# A connection that ends sooner was no recovery: the pauses go on growing.
_STEADY_SECONDS = 5.0


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where Redis is, and how to be let in: `credentials` is a folder with the files `username` and `password`, read
    at every connection; `ca_file` holds the certificates that a TLS server's is checked against, if it exists."""

    host: str
    port: int
    database: int
    tls: bool
    credentials: Path
    ca_file: Path


def address(url: str, credentials: Path, ca_file: Path) -> Address:
    """From `redis://` or `rediss://` `host[:port][/database]`. Raises `RuntimeFault` ConfigInvalid for all else."""
    try:
        told = urlsplit(url)
        port = told.port or _PORT
    except ValueError:
        raise _no_address("") from None
    database = told.path.removeprefix("/") or "0"
    if told.scheme not in ("redis", "rediss") or not told.hostname or not (database.isascii() and database.isdigit()):
        raise _no_address("")
    if told.username is not None or told.password is not None:
        raise _no_address("; user name and password lie in a Secret")
    return Address(
        host=told.hostname,
        port=port,
        database=int(database),
        tls=told.scheme == "rediss",
        credentials=credentials,
        ca_file=ca_file,
    )


def _no_address(why: str) -> RuntimeFault:
    """The address itself is not told: where it is wrong, a password may stand in it."""
    told = "cache.redis must be redis:// or rediss:// and host[:port][/database], the port at most 65535"
    return RuntimeFault("ConfigInvalid", told + why)


class RedisStore:
    """Answers in one Redis database, under `moorage:` and their key, each for `ttl_seconds`.

    `max_bytes`: what may wait to be sent. `failures`: commands without a useful reply. Connects by itself, from the
    first question on.
    """

    def __init__(
        self, where: Address, ttl_seconds: float, max_bytes: int, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self.failures = 0
        self._where = where
        self._ttl = b"%d" % max(1, round(ttl_seconds * 1000))
        self._max_bytes = max_bytes
        self._timeout = timeout_seconds
        self._link: Link | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._since = 0.0
        self._pause = 0.0
        self._told_lost = False
        self._closed = False

    @property
    def up(self) -> bool:
        """Whether Redis answers."""
        return self._link is not None

    def fetch(self, key: str, found: Callable[[Outputs | None], None]) -> None:
        """Call `found` once: at once while Redis is down, else at its reply or when its time is over."""
        if self._link is None:
            self._connect()
            found(None)
        else:
            self._link.ask(command(b"GET", _name(key)), partial(self._got, found))

    def keep(self, key: str, outputs: Outputs) -> None:
        """Send an answer off, unless Redis is down or behind, or the answer too large."""
        if self._link is None or memory_of(outputs) > 2 * VALUE_BYTES:
            return
        try:
            value = wire.dump(outputs)
        except (ValueError, TypeError, KeyError):
            return
        if len(value) <= VALUE_BYTES and self._link.backlog + len(value) <= self._max_bytes:
            self._link.ask(command(b"SET", _name(key), value, b"PX", self._ttl), self._kept)

    def close(self) -> None:
        """Leave Redis."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._link is not None:
            self._link.abort("closed")

    def _got(self, found: Callable[[Outputs | None], None], reply: Reply) -> None:
        if isinstance(reply, ErrorReply):
            self.failures += 1
        found(wire.parse(reply) if isinstance(reply, bytes) else None)

    def _kept(self, reply: Reply) -> None:
        if isinstance(reply, ErrorReply):
            self.failures += 1

    def _connect(self) -> None:
        if self._connecting is None and not self._closed:
            self._connecting = asyncio.get_running_loop().create_task(self._until_connected())

    async def _until_connected(self) -> None:
        while not self._closed:
            await asyncio.sleep(self._pause)
            self._pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, self._pause * 2))
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    link = await self._introduced()
                if not link.over:
                    self._connected(link)
                    break
            except (OSError, TimeoutError, ErrorReply, ValueError) as error:
                self._tell_lost(str(error) or type(error).__name__)
        self._connecting = None

    def _connected(self, link: Link) -> None:
        self._link = link
        self._since = asyncio.get_running_loop().time()
        log.info("response cache connected", extra={"host": self._where.host})

    async def _introduced(self) -> Link:
        where, loop = self._where, asyncio.get_running_loop()
        context = _context(where.ca_file) if where.tls else None
        _, link = await loop.create_connection(
            lambda: Link(_READ_BYTES, self._timeout, self._lost), where.host, where.port, ssl=context
        )
        try:
            for words in _greeting(where):
                await _asked(link, words)
        except BaseException:
            link.abort("it did not let us in")
            raise
        return link

    def _lost(self, why: str) -> None:
        if self._link is None:
            return
        self._link = None
        if asyncio.get_running_loop().time() - self._since >= _STEADY_SECONDS:
            self._pause, self._told_lost = 0.0, False
        self._tell_lost(why)
        self._connect()

    def _tell_lost(self, why: str) -> None:
        if not self._told_lost and not self._closed:
            self._told_lost = True
            log.warning("response cache out of reach", extra={"host": self._where.host, "detail": why})


def _name(key: str) -> bytes:
    return b"moorage:" + key.encode()


def _greeting(where: Address) -> list[tuple[bytes, ...]]:
    username, password = _secret(where.credentials / "username"), _secret(where.credentials / "password")
    words: list[tuple[bytes, ...]] = []
    if password:
        words.append((b"AUTH", username, password) if username else (b"AUTH", password))
    if where.database:
        words.append((b"SELECT", b"%d" % where.database))
    return [*words, (b"PING",)]


async def _asked(link: Link, words: tuple[bytes, ...]) -> None:
    """Raises `ErrorReply` when Redis refuses, or is not there any more."""
    reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def answered(told: Reply) -> None:
        if not reply.done():
            reply.set_result(told)

    link.ask(command(*words), answered)
    found = await reply
    if isinstance(found, ErrorReply):
        raise found


def _secret(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError:
        return b""


def _context(ca_file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca_file) if ca_file.is_file() else None)
