"""One connection to the API server: plain JSON data in and out, every failure an `ApiError`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

JSON = "application/json"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"

Observer = Callable[[str, int], None]
"""Told of every call: its verb (GET, PATCH, ...) and the HTTP code, 0 when no answer came."""


class ApiError(Exception):
    """The API server refused, or did not answer.

    `code`: the HTTP code, 0 for no answer. `reason`: the CamelCase reason of its `Status`. `message`: its own sentence.
    """

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message


class ApiServer:
    """Calls with a bounded time. It retries nothing: whoever calls knows what a retry means."""

    def __init__(
        self, configuration: Any, *, agent: str, patience: float = 12.0, observe: Observer | None = None
    ) -> None:
        configuration.client_session_kwargs = {"trust_env": False}
        self._configuration = configuration
        self._rest = RESTClientObject(configuration)
        self._agent = agent
        self._patience = patience
        self._observe = observe or _unobserved

    async def call(
        self,
        verb: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        within: float | None = None,
    ) -> Any:
        """The answer's JSON. `within`: seconds, when less than usual. Raises ApiError."""
        url = f"{self._configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        limit = aiohttp.ClientTimeout(total=min(within or self._patience, self._patience))
        headers = await self._headers(content_type)
        try:
            answer = await self._rest.request(verb, url, headers=headers, body=body, _request_timeout=limit)
            text = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._observe(verb, 0)
            raise ApiError(0, "NoAnswer", f"{type(error).__name__}: {error}") from error
        self._observe(verb, answer.status)
        return _decode(answer.status, text)

    async def close(self) -> None:
        """Close every connection."""
        await self._rest.close()

    async def _headers(self, content_type: str) -> dict[str, str]:
        headers = {"Accept": JSON, "Content-Type": content_type, "User-Agent": self._agent}
        for setting in (await self._configuration.auth_settings()).values():
            headers[setting["key"]] = setting["value"]
        return headers


def _unobserved(_verb: str, _code: int) -> None:
    """Nobody counts."""


async def connect(
    *,
    agent: str,
    patience: float = 12.0,
    observe: Observer | None = None,
    kubeconfig: Path | None = None,
    context: str | None = None,
) -> ApiServer:
    """Connect by `kubeconfig`, else by $KUBECONFIG, else as a pod, else by the default kubeconfig.

    `context`: of the kubeconfig, when not its current one. Raises ApiError when none is there.
    """
    # The class keeps a process-wide default; calling the metaclass past it gives a configuration of our own.
    configuration = type.__call__(Configuration)
    try:
        given = str(kubeconfig) if kubeconfig is not None else os.environ.get("KUBECONFIG")
        if given or context:
            await load_kube_config(config_file=given or None, context=context, client_configuration=configuration)
        else:
            await _load_anywhere(configuration)
    except ConfigException as error:
        raise ApiError(0, "NoCredentials", f"neither a pod's service account nor a kubeconfig: {error}") from error
    return ApiServer(configuration, agent=agent, patience=patience, observe=observe)


async def _load_anywhere(configuration: Any) -> None:
    try:
        load_incluster_config(client_configuration=configuration)
    except ConfigException:
        await load_kube_config(client_configuration=configuration)


def _decode(code: int, text: bytes) -> Any:
    try:
        data = json.loads(text) if text else {}
    except ValueError as error:
        raise ApiError(code if code >= 300 else 0, "NotJson", text[:200].decode(errors="replace")) from error
    if code >= 300:
        status = data if isinstance(data, dict) else {}
        raise ApiError(code, status.get("reason") or "Unknown", status.get("message") or "no message")
    return data
