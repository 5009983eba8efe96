"""The digest that each revision is pinned to: what the first pod that answered had loaded, carried on for ever."""

from __future__ import annotations

from collections.abc import Iterable

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.observed.pod import Pod
from moorage_operator.observed.routes import live_routes
from moorage_operator.observed.world import World


def pinned(world: World, deployment: ModelDeployment, blueprint: Blueprint) -> str | None:
    """The digest of a revision, None before its first load.

    Order: what was written down for this revision; what was served before from the same artifact; what its ready pods
    report now.
    """
    return (
        _remembered(world, deployment, blueprint.revision)
        or _served(deployment, blueprint)
        or _reported(world.pods_of(blueprint.revision))
    )


def _remembered(world: World, deployment: ModelDeployment, revision: str) -> str | None:
    status = deployment.status
    told = [status.stable, status.candidate, *status.history, *status.guests]
    digests = [each.digest for each in told if each is not None and each.revision == revision]
    route = live_routes(world).revisions.get(revision)
    return next((digest for digest in digests if digest), None) or (route.digest if route is not None else None)


def _served(deployment: ModelDeployment, blueprint: Blueprint) -> str | None:
    if deployment.spec.model.digest is not None:
        return None
    status = deployment.status
    told = [status.stable, *status.history]
    return next((each.digest for each in told if each and each.digest and _same_artifact(each, blueprint)), None)


def _same_artifact(served: object, blueprint: Blueprint) -> bool:
    return (getattr(served, "version", None), getattr(served, "artifact_uri", None)) == (
        blueprint.version,
        blueprint.artifact_uri,
    )


def _reported(pods: Iterable[Pod]) -> str | None:
    return next((pod.digest for pod in pods if pod.ready and pod.digest), None)
