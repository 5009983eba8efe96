"""All children of one CR, in the order in which they should come to be: make before break."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    owner: ModelDeployment,
    step: Step,
    blueprints: Mapping[str, Blueprint],
    table: RouteTable,
    defaults: Defaults,
    *,
    remembered: Collection[str] = (),
) -> list[dict[str, Any]]:
    """The whole objects, sealed. Nothing at all while no revision is known.

    `remembered`: revisions that served, of which nothing but the blueprint is kept.
    """
    if not step.replicas:
        return []
    kept = [blueprints[revision] for revision in sorted(step.replicas)]
    known = [blueprints[revision] for revision in sorted({*step.replicas, *remembered})]
    objects = [
        policy(owner, defaults),
        config_map(owner, table),
        *(controller_revision(owner, each) for each in known),
        *(deployment(owner, each, step.replicas[each.revision]) for each in kept),
        *(service.of_revision(owner, each.revision) for each in kept),
        *([service.public(owner, step.target)] if step.target is not None else []),
        *_around_stable(owner, step.stable, step.floors),
        *_around_candidate(owner, step),
    ]
    return [seal(each) for each in objects]


def _around_stable(owner: ModelDeployment, stable: str | None, floors: Mapping[str, int]) -> list[dict[str, Any]]:
    if stable is None:
        return []
    return [
        *([autoscaler.horizontal_pod_autoscaler(owner, stable, floors[stable])] if stable in floors else []),
        *([disruption_budget.pod_disruption_budget(owner, stable)] if disruption_budget.wanted(owner) else []),
    ]


def _around_candidate(owner: ModelDeployment, step: Step) -> list[dict[str, Any]]:
    candidate = step.candidate
    if candidate is None or candidate not in step.floors:
        return []
    return [autoscaler.of_trial(owner, candidate, step.floors[candidate])]
