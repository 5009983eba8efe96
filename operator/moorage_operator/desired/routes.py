"""The route table, and the ConfigMap that carries it into the pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.step import RevisionState, Role, Step
from moorage_operator.desired.metadata import metadata
from moorage_operator.names import common_labels, routes_config_map
from moorage_runtime.config import ROUTES_KEY, Route, RouteTable, encode


def routes(step: Step, states: Mapping[str, RevisionState]) -> dict[str, Route]:
    """Who answers what: all of the traffic goes where the Service points."""
    return {
        revision: Route(
            version=states[revision].version,
            role=role.value,
            weight=100 if role is Role.STABLE else 0,
            digest=states[revision].digest,
        )
        for revision, role in sorted(step.roles().items())
    }


def config_map(owner: ModelDeployment, table: RouteTable) -> dict[str, Any]:
    """The table as a file for the pods."""
    name = owner.metadata.name
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(owner, routes_config_map(name), common_labels(name)),
        "data": {ROUTES_KEY: encode(table)},
    }
