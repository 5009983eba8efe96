"""The blueprint of a new revision: the pod template, rendered once, at its birth."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.api.model_deployment import ModelDeployment, PodSpec, Toleration
from moorage_operator.api.records import Defaults, Endpoint, Resolved
from moorage_operator.desired import containers, volumes
from moorage_operator.desired.revision import revision_hash
from moorage_operator.desired.runtime_config import as_variable, grace_seconds, runtime_config
from moorage_operator.names import revision_labels, revision_selector

USER_ID = 10001


def blueprint(owner: ModelDeployment, resolved: Resolved, defaults: Defaults, endpoint: Endpoint) -> Blueprint:
    """Render the revision that the CR means now. Raises SpecFault when its artifact cannot be read."""
    revision = revision_hash(owner.spec, resolved)
    return Blueprint(
        revision=revision,
        version=resolved.version,
        artifact_uri=resolved.artifact_uri,
        storage_uri=resolved.storage_uri,
        template=_template(owner, resolved, revision, defaults, endpoint),
    )


def _template(
    owner: ModelDeployment, resolved: Resolved, revision: str, defaults: Defaults, endpoint: Endpoint
) -> dict[str, Any]:
    wished = owner.spec.pod_template.metadata
    labels = {**wished.labels, **revision_labels(owner.metadata.name, revision)}
    metadata = {"labels": labels, "annotations": dict(wished.annotations)}
    config = as_variable(runtime_config(owner, resolved, revision, defaults, endpoint))
    spec = {
        "initContainers": [
            containers.download(owner, config, defaults, volumes.download_mounts(owner, resolved, endpoint))
        ],
        "containers": [containers.serve(owner, config, defaults, volumes.serve_mounts(owner, defaults))],
        "volumes": volumes.volumes(owner, resolved, defaults, endpoint),
        **_identity(owner),
        **_placement(owner, revision),
        "terminationGracePeriodSeconds": grace_seconds(owner.spec, defaults),
    }
    return {"metadata": {key: value for key, value in metadata.items() if value}, "spec": spec}


def _identity(owner: ModelDeployment) -> dict[str, Any]:
    account = owner.spec.model.service_account_name
    return {
        **({"serviceAccountName": account} if account else {}),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def _placement(owner: ModelDeployment, revision: str) -> dict[str, Any]:
    wished = owner.spec.pod_template.spec
    chosen = wished.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude={"termination_grace_period_seconds"}
    )
    chosen["topologySpreadConstraints"] = _spread(owner, wished, revision)
    chosen["nodeSelector"] = dict(owner.spec.node_selector)
    chosen["tolerations"] = [_toleration(each) for each in owner.spec.tolerations]
    return {key: value for key, value in chosen.items() if value}


def _spread(owner: ModelDeployment, wished: PodSpec, revision: str) -> list[dict[str, Any]]:
    if wished.topology_spread_constraints is not None:
        return [dict(each) for each in wished.topology_spread_constraints]
    constraint = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": revision_selector(owner.metadata.name, revision)},
    }
    return [constraint]


def _toleration(toleration: Toleration) -> dict[str, Any]:
    return toleration.model_dump(mode="json", by_alias=True, exclude_none=True)
