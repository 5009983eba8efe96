"""One MLflow server over REST. Every way in which it can fail has its own reason and says what to do."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from moorage_operator.api.conditions import Reason
from moorage_operator.bounded import read_whole
from moorage_operator.credentials import authorization
from moorage_operator.errors import RegistryFault

API = "/api/2.0/mlflow"
MAX_ANSWER = 4 * 2**20


@dataclass(frozen=True, slots=True)
class RegistrySource:
    """One registry of the settings. `credentials`: the folder with its files; `timeout`: seconds for one call."""

    name: str
    tracking_uri: str
    credentials: Path
    timeout: float = 5.0
    ca_file: Path | None = None


class Refusal(Exception):
    """The registry answered with an error of its own: HTTP `code`, MLflow's `error_code` and its `message`."""

    def __init__(self, code: int, error_code: str, message: str) -> None:
        super().__init__(f"{code} {error_code}: {message}")
        self.code = code
        self.error_code = error_code
        self.message = message


class RegistryServer:
    """GET with a bounded time. What MLflow refuses because of the model is a `Refusal`; the rest a RegistryFault."""

    def __init__(self, source: RegistrySource, session: aiohttp.ClientSession) -> None:
        self.source = source
        self._session = session

    async def get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The answer as JSON. Raises Refusal, or RegistryFault."""
        url = f"{self.source.tracking_uri.rstrip('/')}{API}{path}"
        try:
            code, text = await self._fetch(url, query)
        except TimeoutError as error:
            raise self._silent(Reason.REGISTRY_TIMEOUT, f"gave no answer within {self.source.timeout:g} s") from error
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            raise self._tls(error) from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._silent(Reason.REGISTRY_UNREACHABLE, f"cannot be reached ({_first_line(error)})") from error
        return self._checked(code, text)

    async def _fetch(self, url: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        headers = {"Accept": "application/json"}
        if credential := authorization(self.source.credentials):
            headers["Authorization"] = credential
        limit = aiohttp.ClientTimeout(total=self.source.timeout)
        # A redirect could lead the credential elsewhere.
        async with self._session.get(
            url, params=query, headers=headers, timeout=limit, ssl=self._trust(), allow_redirects=False
        ) as answer:
            return answer.status, await read_whole(answer, MAX_ANSWER) or b""

    def _trust(self) -> ssl.SSLContext | bool:
        ca = self.source.ca_file
        try:
            return ssl.create_default_context(cafile=ca) if ca else True
        except OSError as error:
            raise self._tls(error) from error

    def _checked(self, code: int, text: bytes) -> dict[str, Any]:
        if code == 401:
            raise self._told(Reason.REGISTRY_UNAUTHORIZED, "refuses the operator's credentials (401)", self._cure())
        if code == 403:
            raise self._forbidden(text)
        if code == 429 or code >= 500:
            raise self._silent(Reason.REGISTRY_ERROR, f"answered {code}")
        data = _json_object(text)
        if data is None:
            raise self._silent(Reason.REGISTRY_ERROR, f"answered {code} with something that is not JSON")
        if code != 200:
            raise Refusal(code, str(data.get("error_code", "")), str(data.get("message", "")))
        return data

    def _forbidden(self, text: bytes) -> RegistryFault:
        if b"host header" in text.lower():
            host = self.source.tracking_uri.partition("://")[2].partition("/")[0]
            return self._told(
                Reason.REGISTRY_HOST_NOT_ALLOWED,
                f"refuses to be called {host} (403, its Host check)",
                f"Start it with --allowed-hosts that names {host}.",
            )
        return self._told(Reason.REGISTRY_FORBIDDEN, "does not let the operator read this model (403)", self._cure())

    def _tls(self, error: Exception) -> RegistryFault:
        cure = "Give its certificate authority as caFile in the operator's settings, or renew its certificate."
        return self._told(Reason.REGISTRY_TLS_FAILURE, f"failed the TLS handshake ({_first_line(error)})", cure)

    def _silent(self, reason: str, what: str) -> RegistryFault:
        cure = "What serves goes on serving; check the server and the network towards it."
        return self._told(reason, what, cure)

    def _told(self, reason: str, what: str, cure: str) -> RegistryFault:
        # Whatever kept it from answering, nothing is known anew: the last good answer still holds.
        name = f"Registry {self.source.name!r} at {self.source.tracking_uri}"
        return RegistryFault(reason, f"{name} {what}. {cure}", outage=True)

    def _cure(self) -> str:
        return f"Put valid ones into {self.source.credentials} of the operator (token, or username and password)."


def _json_object(text: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
