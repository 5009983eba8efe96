"""Blueprints read back: from ControllerRevisions, or, where one is missing, from the live Deployment."""

from __future__ import annotations

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.api.records import Body
from moorage_operator.names import ARTIFACT_ANNOTATION, STORAGE_ANNOTATION, VERSION_ANNOTATION, revision_of
from moorage_operator.observed.world import World


def read_blueprints(world: World) -> dict[str, Blueprint]:
    """Every revision that can be run again, by its hash."""
    born = _by_revision(world, "Deployment") | _by_revision(world, "ControllerRevision")
    return dict(sorted(born.items()))


def _by_revision(world: World, kind: str) -> dict[str, Blueprint]:
    read = _from_record if kind == "ControllerRevision" else _from_deployment
    found = {}
    for name in world.names(kind):
        revision, body = revision_of(world.owner, name), world.child(kind, name)
        if revision is not None and body is not None and (blueprint := read(revision, body)) is not None:
            found[revision] = blueprint
    return found


def _from_record(revision: str, body: Body) -> Blueprint | None:
    data = body.get("data") or {}
    if "template" not in data:
        return None
    return Blueprint(
        revision=revision,
        version=data.get("version", ""),
        artifact_uri=data.get("artifactUri", ""),
        storage_uri=data.get("storageUri", ""),
        template=data["template"],
        rebuilt=data.get("rebuilt", False),
    )


def _from_deployment(revision: str, body: Body) -> Blueprint:
    annotations = body["metadata"].get("annotations") or {}
    template = body["spec"]["template"]
    metadata = {key: value for key, value in (template.get("metadata") or {}).items() if value is not None}
    return Blueprint(
        revision=revision,
        version=annotations.get(VERSION_ANNOTATION, ""),
        artifact_uri=annotations.get(ARTIFACT_ANNOTATION, ""),
        storage_uri=annotations.get(STORAGE_ANNOTATION, ""),
        template={**template, "metadata": metadata},
        rebuilt=True,
    )
