"""One custom resource's storageUri, resolved: through the registry where it names one, else as it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

import aiohttp

from moorage_operator.api.conditions import Reason
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Key, Resolution, Resolved
from moorage_operator.api.storage_uri import S3, Registered, parse_storage_uri
from moorage_operator.errors import Fault, RegistryFault, SpecFault
from moorage_operator.registry.followed import Answer, Followed, Name
from moorage_operator.registry.lookup import Found, look_up
from moorage_operator.registry.server import RegistryServer, RegistrySource
from moorage_operator.registry.unasked import as_it_stands, unknown

AT_ONCE = 16
DEFAULT_STORE = "default"
SILENT = (Reason.REGISTRY_TIMEOUT, Reason.REGISTRY_UNREACHABLE, Reason.REGISTRY_TLS_FAILURE)


class Registries:
    """Every registry of the settings. `moved` is called with each key whose alias or stage means something new.

    `stores`: the names of the S3 stores; `default` needs no settings, it is the cloud's own.
    """

    def __init__(
        self,
        sources: Mapping[str, RegistrySource],
        session: aiohttp.ClientSession,
        moved: Callable[[Key], None],
        *,
        stores: Collection[str] = (),
        interval: float = 10.0,
    ) -> None:
        self._stores = frozenset({DEFAULT_STORE, *stores, *sources})
        self._servers = {name: RegistryServer(source, session) for name, source in sources.items()}
        self._slots = {name: asyncio.Semaphore(AT_ONCE) for name in sources}
        self._silent: dict[str, RegistryFault] = {}
        self._asking = dict.fromkeys(sources, 0)
        self._pinned: dict[Name, Found] = {}
        self.followed = Followed(self._ask, lambda key: moved(_asker(key)), interval=interval)

    def forget_guests(self, key: Key, *, but: Collection[str] = ()) -> None:
        """Ask no more on behalf of the guests of `key`, but for those of the names in `but`."""
        kept = {f"{key.name}/{name}" for name in but}
        for each in self.followed.beside(key):
            if each.name not in kept:
                self.followed.forget(each)

    async def resolve(self, deployment: ModelDeployment, guest: str = "") -> Resolution:
        """What the storageUri means now. It never raises: a refusal is part of the answer.

        `guest`: on whose behalf, beside the deployment itself.
        """
        name = deployment.metadata.name
        key = Key(deployment.metadata.namespace, f"{name}/{guest}" if guest else name)
        model = deployment.spec.model
        try:
            wanted = parse_storage_uri(model.storage_uri)
        except SpecFault as fault:
            self.followed.forget(key)
            return Resolution(None, fault)
        if not isinstance(wanted, Registered):
            self.followed.forget(key)
            if isinstance(wanted, S3) and model.registry not in self._stores:
                return Resolution(None, unknown("store", model.registry, self._stores))
            return Resolution(as_it_stands(wanted, model.storage_uri, model.registry))
        asked = Name(model.registry, wanted)
        if wanted.version is not None:
            self.followed.forget(key)
            return await self._resolve_pinned(asked, deployment)
        return _with_memory(await self.followed.answer(asked, key), deployment)

    async def _resolve_pinned(self, name: Name, deployment: ModelDeployment) -> Resolution:
        last = _last_good(deployment)
        if last is not None:
            return Resolution(last)
        found = self._pinned.get(name)
        if found is not None:
            return _with_memory(Answer(found), deployment)
        try:
            self._pinned[name] = found = await self._ask(name, None, patient=False)
        except RegistryFault as fault:
            return Resolution(None, fault)
        return _with_memory(Answer(found), deployment)

    async def _ask(self, name: Name, last: Found | None, *, patient: bool) -> Found:
        server = self._servers.get(name.registry)
        if server is None:
            raise unknown("registry", name.registry, self._servers)
        # While a registry hangs, one worker waits for it; every other one goes on with what is known.
        fault = self._silent.get(name.registry)
        if fault is not None and not patient and self._asking[name.registry]:
            raise fault
        self._asking[name.registry] += 1
        try:
            return await self._ask_now(server, name, last)
        finally:
            self._asking[name.registry] -= 1

    async def _ask_now(self, server: RegistryServer, name: Name, last: Found | None) -> Found:
        try:
            async with self._slots[name.registry]:
                found = await look_up(server, name.model, last)
        except RegistryFault as fault:
            if fault.reason in SILENT:
                self._silent[name.registry] = fault
            else:
                self._silent.pop(name.registry, None)
            raise
        self._silent.pop(name.registry, None)
        return found


def _asker(key: Key) -> Key:
    """The custom resource behind a follower."""
    return Key(key.namespace, key.name.partition("/")[0])


def _with_memory(answer: Answer, deployment: ModelDeployment) -> Resolution:
    model = deployment.spec.model
    if answer.found is not None and (answer.fault is None or answer.fault.outage):
        found = answer.found
        return Resolution(Resolved(model.storage_uri, found.version, found.artifact_uri, model.registry), answer.fault)
    return Resolution(_last_good(deployment) if _is_outage(answer.fault) else None, answer.fault)


def _last_good(deployment: ModelDeployment) -> Resolved | None:
    last, model = deployment.status.model, deployment.spec.model
    if last is None or (last.storage_uri, last.registry) != (model.storage_uri, model.registry):
        return None
    return Resolved(last.storage_uri, last.version, last.artifact_uri, last.registry)


def _is_outage(fault: Fault | None) -> bool:
    return isinstance(fault, RegistryFault) and fault.outage
