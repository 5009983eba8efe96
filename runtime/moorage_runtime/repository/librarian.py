"""Loads and unloads models by name while others answer: one load of a name at a time, never more than the bounds.

A load makes the new version warm first; only then are the models asked longest ago evicted to make room, and the old
version of the same name retired: a load that fails has cost nobody anything. An evicted model is loaded again when
somebody asks for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import msgspec

from moorage_runtime.errors import LoadFault, RequestFault, RuntimeFault
from moorage_runtime.repository import catalogue as states
from moorage_runtime.repository.catalogue import Catalogue
from moorage_runtime.repository.served import Served

log = logging.getLogger(__name__)
MODEL_TOO_LARGE = "ModelTooLarge"


class Prepared(Protocol):
    """An artifact that lies ready on disk, `size` bytes large."""

    size: int

    def load(self) -> Served:
        """Load, warm up, test; blocking. Raises `LoadFault`."""
        ...


class Stock(Protocol):
    """Where models come from."""

    def names(self) -> Sequence[str]:
        """Every model that can be loaded now."""
        ...

    def prepare(self, name: str) -> Prepared:
        """Bring the model's newest version to the disk; blocking. Raises `ArtifactFault`."""
        ...


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be loaded at once: `models` by number, `size` by bytes of their artifacts; None: any."""

    models: int | None = None
    size: int | None = None


class Librarian:
    """Keeps a catalogue filled from a stock. To be used from the loop's thread only."""

    def __init__(self, catalogue: Catalogue, stock: Stock, bounds: Bounds) -> None:
        self.catalogue = catalogue
        self._stock = stock
        self._bounds = bounds
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()
        catalogue.on_wanted(self._fetch_soon)

    def survey(self) -> None:
        """Make every model of the stock known."""
        for name in self._stock.names():
            if not self.catalogue.knows(name):
                self.catalogue.announce(name, states.UNLOADED)

    async def load(self, name: str) -> Served:
        """Load or reload a model. Raises `RequestFault` 404 for an unknown one, `ArtifactFault`, `LoadFault`."""
        self.survey()
        if name not in self._stock.names():
            raise RequestFault(404, "ModelNotFound", f"the repository has no model {name!r}")
        async with self._locks[name]:
            return await self._load(name)

    async def unload(self, name: str) -> None:
        """Take a model out; its calls under way end first. Raises `RequestFault` 404."""
        async with self._locks[name]:
            self.catalogue.remove(name, states.UNLOADED)

    async def settled(self) -> None:
        """Wait until no load that somebody's question began is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def _load(self, name: str) -> Served:
        if not self.catalogue.answers(name):
            self.catalogue.announce(name, states.LOADING)
        try:
            prepared = await asyncio.to_thread(self._stock.prepare, name)
            self._check(name, prepared)
            served = await asyncio.to_thread(prepared.load)
        except RuntimeFault as fault:
            log.warning("model not loaded", extra={"model": name, "reason": fault.reason, "detail": fault.message})
            self.catalogue.announce(name, f"{fault.reason}: {fault.message}")
            raise
        self._make_room(served)
        self.catalogue.install(served)
        log.info("model loaded", extra={"model": name, "version": served.version, "digest": served.digest})
        return served

    def _check(self, name: str, prepared: Prepared) -> None:
        if self._bounds.size is not None and prepared.size > self._bounds.size:
            raise LoadFault(
                MODEL_TOO_LARGE, f"{name!r} has {prepared.size} bytes, more than the {self._bounds.size} of all models"
            )

    def _make_room(self, coming: Served) -> None:
        while (oldest := self.catalogue.oldest(but=coming.name)) is not None and self._crowded(coming):
            log.info("model evicted", extra={"model": oldest.name, "for": coming.name})
            self.catalogue.remove(oldest.name, states.EVICTED)

    def _crowded(self, coming: Served) -> bool:
        others = [each for each in self.catalogue.served if each.name != coming.name]
        size = coming.manifest.bytes + sum(each.manifest.bytes for each in others)
        return (self._bounds.models is not None and len(others) + 1 > self._bounds.models) or (
            self._bounds.size is not None and size > self._bounds.size
        )

    def _fetch_soon(self, name: str) -> None:
        if not self._locks[name].locked():
            task = asyncio.get_running_loop().create_task(self._quietly(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _quietly(self, name: str) -> None:
        try:
            await self.load(name)
        except RuntimeFault:
            return
