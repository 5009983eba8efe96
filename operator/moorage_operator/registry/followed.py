"""Names that may move (aliases, stages): one question per distinct name, however many custom resources follow it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from moorage_operator.api.records import Key
from moorage_operator.api.storage_uri import Registered
from moorage_operator.errors import RegistryFault
from moorage_operator.registry.lookup import Found


@dataclass(frozen=True, slots=True)
class Name:
    """One name in one registry."""

    registry: str
    model: Registered


@dataclass(frozen=True, slots=True)
class Answer:
    """The last good answer, and what was wrong at the last question."""

    found: Found | None = None
    fault: RegistryFault | None = None

    def differs(self, other: Answer) -> bool:
        """Whether a custom resource that follows this name must be looked at again."""
        return self.found != other.found or _told(self.fault) != _told(other.fault)


class Ask(Protocol):
    """One question to the registry."""

    def __call__(self, name: Name, last: Found | None, *, patient: bool) -> Awaitable[Found]:
        """Raises RegistryFault. `last`: the last answer. `patient`: nobody waits, so a hanging registry is tried."""


@dataclass(slots=True)
class _Entry:
    followers: set[Key] = field(default_factory=set)
    answer: Answer | None = None
    asked: asyncio.Lock = field(default_factory=asyncio.Lock)


class Followed:
    """Who follows which name. `ask` questions the registry; `moved` is told of every follower whose answer changed."""

    def __init__(self, ask: Ask, moved: Callable[[Key], None], *, interval: float = 10.0) -> None:
        self._ask = ask
        self._moved = moved
        self._interval = interval
        self._entries: dict[Name, _Entry] = {}
        self._names: dict[Key, Name] = {}

    async def answer(self, name: Name, key: Key) -> Answer:
        """What `name` means, from the last question; asked now only when it never was. `key` follows it from now on."""
        entry = self._follow(name, key)
        async with entry.asked:
            if entry.answer is None:
                entry.answer = await self._question(name, None, patient=False)
        return entry.answer

    def forget(self, key: Key) -> None:
        """`key` follows nothing any more."""
        name = self._names.pop(key, None)
        if name is None:
            return
        entry = self._entries[name]
        entry.followers.discard(key)
        if not entry.followers:
            del self._entries[name]

    def beside(self, key: Key) -> tuple[Key, ...]:
        """The followers that follow on behalf of `key`: their names begin with its own and a slash."""
        return tuple(
            each for each in self._names if each.namespace == key.namespace and each.name.startswith(f"{key.name}/")
        )

    async def poll(self) -> None:
        """Ask once for every followed name, and tell the followers of those that changed."""
        await asyncio.gather(*(self._refresh(name) for name in tuple(self._entries)))

    async def run(self) -> None:
        """Poll for ever, each time after the interval +-10 %."""
        while True:
            await asyncio.sleep(self._interval * random.uniform(0.9, 1.1))  # noqa: S311 - jitter, no secret
            await self.poll()

    def _follow(self, name: Name, key: Key) -> _Entry:
        if self._names.get(key) != name:
            self.forget(key)
            self._names[key] = name
        entry = self._entries.setdefault(name, _Entry())
        entry.followers.add(key)
        return entry

    async def _refresh(self, name: Name) -> None:
        entry = self._entries.get(name)
        if entry is None or entry.answer is None:
            return
        async with entry.asked:
            before, entry.answer = entry.answer, await self._question(name, entry.answer.found, patient=True)
        if entry.answer.differs(before):
            for key in tuple(entry.followers):
                self._moved(key)

    async def _question(self, name: Name, last: Found | None, *, patient: bool) -> Answer:
        try:
            return Answer(await self._ask(name, last, patient=patient))
        except RegistryFault as fault:
            return Answer(last, fault)


def _told(fault: RegistryFault | None) -> tuple[str, str] | None:
    return None if fault is None else (fault.reason, fault.message)
