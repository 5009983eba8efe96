"""The model repository extension of the Open Inference Protocol, for the admin port only.

POST /v2/repository/index                      every known model: name, version, state, reason
POST /v2/repository/models/{model}/load        load, or replace by what the repository holds now
POST /v2/repository/models/{model}/unload      models here have no dependents, so `unload_dependents` changes nothing
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from moorage_runtime.errors import RequestFault, RuntimeFault
from moorage_runtime.repository.librarian import Librarian
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.rest.door import Methods
from moorage_runtime.servers.rest.faults import refuse

PATH = "/v2/repository"
UNPROCESSABLE = 422
DEPENDENTS = "unload_dependents"
Act = Callable[[], Awaitable[object]]


class RepositoryDoor:
    """Every path under /v2/repository."""

    def __init__(self, librarian: Librarian) -> None:
        self._librarian = librarian
        self._tasks: set[asyncio.Task[None]] = set()

    def match(self, parts: list[str]) -> Methods | None:
        """See the module's table."""
        match parts:
            case ["v2", "repository", "index"]:
                return {b"POST": _Order(self._index)}
            case ["v2", "repository", "models", name, "load"]:
                return {b"POST": _Order(lambda exchange: self._load(exchange, name))}
            case ["v2", "repository", "models", name, "unload"]:
                return {b"POST": _Order(lambda exchange: self._unload(exchange, name))}
        return None

    def _index(self, exchange: Exchange) -> None:
        wanted = _parameters(exchange.body)
        self._librarian.survey()
        rows = self._librarian.catalogue.index()
        if wanted.get("ready"):
            rows = [row for row in rows if row.state == "READY"]
        exchange.answer(200, msgspec.json.encode(rows))

    def _load(self, exchange: Exchange, name: str) -> None:
        if _parameters(exchange.body).get("parameters"):
            raise _unsupported("none is known; models come from the repository")
        self._act(exchange, lambda: self._librarian.load(name))

    def _unload(self, exchange: Exchange, name: str) -> None:
        given = _parameters(exchange.body).get("parameters") or {}
        if not isinstance(given, dict) or not given.keys() <= {DEPENDENTS}:
            raise _unsupported(f"only {DEPENDENTS} is known")
        if not isinstance(given.get(DEPENDENTS, False), bool):
            raise _unsupported(f"{DEPENDENTS} must be true or false")
        self._act(exchange, lambda: self._librarian.unload(name))

    def _act(self, exchange: Exchange, act: Act) -> None:
        task = asyncio.get_running_loop().create_task(_answered(exchange, act))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Order:
    body_limit = 64 << 10
    needs_body = False

    def __init__(self, act: Callable[[Exchange], None]) -> None:
        self._act = act

    def __call__(self, exchange: Exchange) -> None:
        self._act(exchange)


async def _answered(exchange: Exchange, act: Act) -> None:
    try:
        await act()
    except RequestFault as fault:
        refuse(exchange, fault)
    except RuntimeFault as fault:
        refuse(exchange, RequestFault(UNPROCESSABLE, fault.reason, f"{fault.reason}: {fault.message}"))
    else:
        exchange.answer(200, b"{}")


def _unsupported(text: str) -> RequestFault:
    return RequestFault(400, "ParameterUnsupported", f"parameters: {text}")


def _parameters(body: bytes | bytearray | memoryview) -> dict[str, object]:
    if not body:
        return {}
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestFault(400, "InvalidRequest", "the body must be a JSON object") from error
