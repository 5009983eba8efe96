"""All children of one CR, in the order in which they should come to be: make before break."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Defaults
from moorage_operator.api.step import Step
from moorage_operator.desired import autoscaler, disruption_budget, service
from moorage_operator.desired.controller_revision import controller_revision
from moorage_operator.desired.deployment import deployment
from moorage_operator.desired.metadata import seal
from moorage_operator.desired.network_policy import policy
from moorage_operator.desired.routes import config_map
from moorage_runtime.config import RouteTable


def build(
    owner: ModelDeployment, step: Step, blueprints: Mapping[str, Blueprint], table: RouteTable, defaults: Defaults
) -> list[dict[str, Any]]:
    """The whole objects, sealed. Nothing at all while no revision is known."""
    if not step.replicas:
        return []
    kept = [blueprints[revision] for revision in sorted(step.replicas)]
    objects = [
        policy(owner, defaults),
        config_map(owner, table),
        *(controller_revision(owner, each) for each in kept),
        *(deployment(owner, each, step.replicas[each.revision]) for each in kept),
        *(service.of_revision(owner, each.revision) for each in kept),
        *([service.public(owner, step.target)] if step.target is not None else []),
        *_around_stable(owner, step.stable),
    ]
    return [seal(each) for each in objects]


def _around_stable(owner: ModelDeployment, stable: str | None) -> list[dict[str, Any]]:
    if stable is None:
        return []
    return [
        *([autoscaler.horizontal_pod_autoscaler(owner, stable)] if autoscaler.wanted(owner.spec) else []),
        *([disruption_budget.pod_disruption_budget(owner, stable)] if disruption_budget.wanted(owner) else []),
    ]
