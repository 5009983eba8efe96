"""The state of each revision: integers for the rollout, read out of Deployments and pods."""

from __future__ import annotations

from collections.abc import Iterable

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.step import RevisionState
from moorage_operator.names import SERVE_CONTAINER, SERVICE_PORT, revision_name
from moorage_operator.observed.digests import pinned
from moorage_operator.observed.pod import Pod
from moorage_operator.observed.world import World


def revision_states(
    world: World, deployment: ModelDeployment, blueprints: Iterable[Blueprint]
) -> dict[str, RevisionState]:
    """The state of every revision that has a blueprint."""
    return {each.revision: _state(world, deployment, each) for each in blueprints}


def answers(pod: Pod, digest: str | None) -> bool:
    """Whether a pod is ready with the very artifact that its revision is pinned to."""
    return pod.ready and digest is not None and pod.digest in (None, digest)


def _state(world: World, deployment: ModelDeployment, blueprint: Blueprint) -> RevisionState:
    pods, digest = world.pods_of(blueprint.revision), pinned(world, deployment, blueprint)
    live = world.child("Deployment", revision_name(world.owner, blueprint.revision))
    return RevisionState(
        revision=blueprint.revision,
        version=blueprint.version,
        artifact_uri=blueprint.artifact_uri,
        digest=digest,
        desired=None if live is None else int(live["spec"].get("replicas", 1)),
        pods=len(pods),
        ready=sum(answers(pod, digest) for pod in pods),
        mute=sum(_is_mute(pod) for pod in pods),
        address=_address(world, blueprint.revision),
    )


def _is_mute(pod: Pod) -> bool:
    """Whether its server passed its startup test once, runs, and answers its own test request no more."""
    server = pod.container(SERVE_CONTAINER)
    return not pod.ready and bool(server.get("started")) and "running" in (server.get("state") or {})


def _address(world: World, revision: str) -> str | None:
    service = world.child("Service", revision_name(world.owner, revision)) or {}
    ip = (service.get("spec") or {}).get("clusterIP")
    if not ip or ip == "None":
        return None
    return f"[{ip}]:{SERVICE_PORT}" if ":" in ip else f"{ip}:{SERVICE_PORT}"
