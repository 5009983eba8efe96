"""From a name in the registry to one version and one artifact URI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moorage_operator.api.conditions import Reason
from moorage_operator.api.storage_uri import Registered
from moorage_operator.errors import RegistryFault
from moorage_operator.registry.server import Refusal, RegistryServer

ALIAS_REFUSAL = "INVALID_PARAMETER_VALUE"
ABSENT = "RESOURCE_DOES_NOT_EXIST"
LOGGED_MODEL = "models:/m-"


@dataclass(frozen=True, slots=True)
class Found:
    """One version of a registered model. `born`: what tells it from a deleted one of the same number."""

    version: str
    artifact_uri: str
    born: tuple[str, str] = ("", "")


async def look_up(server: RegistryServer, wanted: Registered, known: Found | None = None) -> Found:
    """Ask the registry. `known`: the last answer, which spares the second question while the version is the same.

    Raises RegistryFault: ModelNotFound, VersionNotFound, AliasNotFound, StageEmpty, or why the registry did not answer.
    """
    try:
        version = await _version(server, wanted)
    except Refusal as refusal:
        raise await _not_found(server, wanted, refusal) from refusal
    number = str(version["version"])
    born = (str(version.get("source", "")), str(version.get("creation_timestamp", "")))
    if known is not None and (known.version, known.born) == (number, born):
        return known
    try:
        return Found(number, await _artifact_uri(server, wanted.name, number), born)
    except Refusal as refusal:
        raise _no_artifact(wanted, number, refusal) from refusal


async def _version(server: RegistryServer, wanted: Registered) -> dict[str, Any]:
    if wanted.alias is not None:
        answer = await server.get("/registered-models/alias", {"name": wanted.name, "alias": wanted.alias})
    elif wanted.stage is not None:
        return await _latest_in_stage(server, wanted.name, wanted.stage)
    else:
        answer = await server.get("/model-versions/get", {"name": wanted.name, "version": wanted.version or ""})
    version: dict[str, Any] = answer["model_version"]
    return version


async def _latest_in_stage(server: RegistryServer, name: str, stage: str) -> dict[str, Any]:
    answer = await server.get("/registered-models/get-latest-versions", {"name": name, "stages": stage})
    versions = answer.get("model_versions") or []
    if not versions:
        raise RegistryFault(
            Reason.STAGE_EMPTY,
            f"Model {name!r} has no version in stage {stage} of registry {server.source.name!r}. "
            "Move a version there, or name a version or an alias in spec.model.storageUri.",
        )
    return max(versions, key=lambda version: int(version["version"]))


async def _artifact_uri(server: RegistryServer, name: str, version: str) -> str:
    answer = await server.get("/model-versions/get-download-uri", {"name": name, "version": version})
    uri = str(answer["artifact_uri"])
    if uri.startswith(LOGGED_MODEL):
        logged = await server.get(f"/logged-models/{uri.removeprefix('models:/')}", {})
        uri = str(logged["model"]["info"]["artifact_uri"])
    if not uri.startswith(("s3://", "mlflow-artifacts:")):
        raise RegistryFault(
            Reason.ARTIFACT_SCHEME_UNSUPPORTED,
            f"Version {version} of model {name!r} lies at {uri.partition(':')[0]}:, which pods cannot read. "
            "Register it with proxied artifacts (mlflow-artifacts:) or on S3.",
        )
    return uri


async def _not_found(server: RegistryServer, wanted: Registered, refusal: Refusal) -> RegistryFault:
    registry = server.source.name
    if refusal.error_code == ABSENT and not await _has_model(server, wanted.name):
        cure = "Register it, or correct spec.model.storageUri."
        return RegistryFault(Reason.MODEL_NOT_FOUND, f"Registry {registry!r} has no model {wanted.name!r}. {cure}")
    if wanted.alias is not None and refusal.error_code in (ALIAS_REFUSAL, ABSENT):
        cure = "Set the alias in the registry, or correct spec.model.storageUri."
        what = f"Model {wanted.name!r} has no alias {wanted.alias!r} in registry {registry!r}"
        return RegistryFault(Reason.ALIAS_NOT_FOUND, f"{what}. {cure}")
    if wanted.version is not None and refusal.error_code == ABSENT:
        cure = "Register it, or correct spec.model.storageUri."
        what = f"Model {wanted.name!r} has no version {wanted.version} in registry {registry!r}"
        return RegistryFault(Reason.VERSION_NOT_FOUND, f"{what}. {cure}")
    return _unexpected(refusal)


async def _has_model(server: RegistryServer, name: str) -> bool:
    try:
        await server.get("/registered-models/get", {"name": name})
    except Refusal as refusal:
        return refusal.error_code != ABSENT
    return True


def _no_artifact(wanted: Registered, version: str, refusal: Refusal) -> RegistryFault:
    if refusal.code == 404:
        cure = "It was deleted a moment ago, or its run was; register it again."
        return RegistryFault(
            Reason.VERSION_NOT_FOUND, f"Version {version} of model {wanted.name!r} has no artifact. {cure}"
        )
    return _unexpected(refusal)


def _unexpected(refusal: Refusal) -> RegistryFault:
    said = refusal.message.splitlines()[0][:300] if refusal.message else "no message"
    return RegistryFault(
        Reason.REGISTRY_ERROR,
        f"The registry answered {refusal.code} {refusal.error_code}: {said}. Check its log.",
        outage=True,
    )
