"""models:/ URIs, resolved on the MLflow server that `MLFLOW_TRACKING_URI` names, over its REST interface.

GET /api/2.0/mlflow/registered-models/alias?name=&alias=
GET /api/2.0/mlflow/model-versions/get?name=&version=
GET /api/2.0/mlflow/model-versions/get-download-uri?name=&version=
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from moorage_runtime.errors import RuntimeFault

SECONDS = 15.0
_MODEL = re.compile(r"models:/([^/@]+)(?:/([1-9][0-9]*)|@([A-Za-z0-9_-]+))")


class Resolved(msgspec.Struct, frozen=True):
    """What a models:/ URI means now: the version, and where its artifact lies."""

    version: str
    artifact_uri: str
    tracking_uri: str


def resolve(uri: str, env: Mapping[str, str] = os.environ) -> Resolved:
    """Ask the registry. Raises `RuntimeFault` RegistryUnset, UriInvalid or RegistryFailed with the cure."""
    found = _MODEL.fullmatch(uri)
    if found is None:
        raise RuntimeFault("UriInvalid", f"{uri}: write models:/NAME/VERSION or models:/NAME@ALIAS")
    server = env.get("MLFLOW_TRACKING_URI", "").rstrip("/")
    if not server.startswith(("http://", "https://")):
        raise RuntimeFault("RegistryUnset", f"{uri} needs a registry: set MLFLOW_TRACKING_URI to the MLflow server")
    name, version, alias = found.groups()
    if alias:
        told = _get(server, "registered-models/alias", {"name": name, "alias": alias}, env)
        version = str(told["model_version"]["version"])
    place = _get(server, "model-versions/get-download-uri", {"name": name, "version": version}, env)
    return Resolved(version, str(place["artifact_uri"]), server)


def _get(server: str, route: str, fields: dict[str, str], env: Mapping[str, str]) -> dict[str, Any]:
    import urllib3

    headers = {}
    if token := env.get("MLFLOW_TRACKING_TOKEN"):
        headers = {"authorization": f"Bearer {token}"}
    elif user := env.get("MLFLOW_TRACKING_USERNAME"):
        headers = urllib3.make_headers(basic_auth=f"{user}:{env.get('MLFLOW_TRACKING_PASSWORD', '')}")
    try:
        answer = urllib3.request(
            "GET", f"{server}/api/2.0/mlflow/{route}", fields=fields, headers=headers, timeout=SECONDS, retries=2
        )
        told: dict[str, Any] = msgspec.json.decode(answer.data)
    except (urllib3.exceptions.HTTPError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RuntimeFault("RegistryFailed", f"the registry does not answer: {error}") from error
    if answer.status != 200:
        raise RuntimeFault("RegistryFailed", f"the registry says {answer.status}: {told.get('message', '')!s:.300}")
    return told
