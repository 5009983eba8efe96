"""What the pods themselves say: a GET of the admin port of each, all at once, within a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

import aiohttp
import msgspec

from moorage_operator.api.judgement import Reading
from moorage_operator.api.records import Body
from moorage_operator.bounded import read_whole
from moorage_operator.cluster.credible import credible
from moorage_operator.cluster.kinds import POD
from moorage_operator.cluster.server import ApiError, ApiServer
from moorage_operator.observed.pod import Pod
from moorage_runtime.config import ADMIN_PORT, STATE_PATH, PodReport, decode_pod_report

PATIENCE = 2.0
"""Seconds for one pod."""
MAX_ANSWER = 256 * 1024
AT_ONCE = 32


class Telephone(Protocol):
    """A way to the admin port of a pod."""

    async def ask(self, pod: Pod) -> PodReport | None:
        """What the pod says; None when it says nothing of use in time. Raises nothing."""


class Direct:
    """By the pod's own address: as the operator does inside the cluster."""

    def __init__(self, session: aiohttp.ClientSession, port: int = ADMIN_PORT) -> None:
        self._session = session
        self._port = port

    async def ask(self, pod: Pod) -> PodReport | None:
        """As `Telephone`."""
        address = str(pod.status.get("podIP") or "")
        if not address:
            return None
        host = f"[{address}]" if ":" in address else address
        try:
            text = await self._get(f"http://{host}:{self._port}{STATE_PATH}")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None
        return _understood(text) if text is not None else None

    async def _get(self, url: str) -> bytes | None:
        limit = aiohttp.ClientTimeout(total=PATIENCE)
        async with self._session.get(url, timeout=limit, allow_redirects=False) as answer:
            return await read_whole(answer, MAX_ANSWER) if answer.status == 200 else None


def _understood(text: bytes) -> PodReport | None:
    try:
        return decode_pod_report(text)
    except RecursionError:
        return None


class ThroughApiServer:
    """By the API server's proxy: for an operator that runs outside of the pods' network. It needs the right to
    `get` on `pods/proxy`, which the install gives to nobody.
    """

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    async def ask(self, pod: Pod) -> PodReport | None:
        """As `Telephone`."""
        path = f"{POD.path(pod.namespace)}/http:{pod.name}:{ADMIN_PORT}/proxy{STATE_PATH}"
        try:
            answer = await self._api.call("GET", path, within=PATIENCE)
        except (ApiError, RecursionError):
            return None
        try:
            return msgspec.convert(answer, PodReport)
        except msgspec.ValidationError:
            return None


async def read_pods(telephone: Telephone, pods: Iterable[Body], at: datetime) -> tuple[Reading, ...]:
    """Every pod that runs and stays, by name. `at`: when they are read, for all of them."""
    staying = sorted((pod for pod in map(Pod, pods) if pod.running and not pod.leaving), key=lambda pod: pod.name)
    room = asyncio.Semaphore(AT_ONCE)
    return tuple(await asyncio.gather(*(_read(telephone, room, pod, at) for pod in staying)))


async def _read(telephone: Telephone, room: asyncio.Semaphore, pod: Pod, at: datetime) -> Reading:
    async with room:
        report = await telephone.ask(pod)
    revision = pod.revision or ""
    # Addresses are given to other pods again: another revision's report is somebody else's.
    if report is not None and (report.revision != revision or not credible(report)):
        report = None
    return Reading(pod.name, str(pod.body["metadata"].get("uid") or ""), revision, at, report)
