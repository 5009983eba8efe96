"""Automatic scaling, worded as in a HorizontalPodAutoscaler, whose fields these are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from moorage_operator.api.frozen import ATOMIC, Frozen, Quantity, ShapedBy, cel, checked


class MetricTarget(Frozen):
    """The value that the autoscaler holds."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            cel(
                "self.type == 'Utilization' ? has(self.averageUtilization) && !has(self.averageValue)"
                " : has(self.averageValue) && !has(self.averageUtilization)",
                "type Utilization needs averageUtilization alone, type AverageValue needs averageValue alone",
            )
        )
    )

    type: Literal["Utilization", "AverageValue"]
    """Utilization: percent of the request. AverageValue: an amount per pod."""
    average_utilization: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Percent of the resource's request, on average over the pods, for example 70."""
    average_value: Quantity | None = None
    """Amount per pod, on average, for example 800Mi."""


class ResourceMetric(Frozen):
    """A resource and the target of its use."""

    name: Literal["cpu", "memory"]
    """The resource: cpu or memory."""
    target: MetricTarget
    """The value that the autoscaler holds."""


class Metric(Frozen):
    """One metric; with several, the one that asks for most pods wins."""

    type: Literal["Resource"]
    """Kind of the metric: Resource."""
    resource: ResourceMetric
    """The resource that is measured."""


class ScalingPolicy(Frozen):
    """One limit on the speed of scaling."""

    type: Literal["Pods", "Percent"]
    """Whether value counts pods or percent of the present pods."""
    value: Annotated[int, Field(ge=1, le=10_000)]
    """Pods, or percent, per period."""
    period_seconds: Annotated[int, Field(ge=1, le=1800)]
    """Seconds of one period."""


class ScalingRules(Frozen):
    """How fast one direction goes."""

    stabilization_window_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    """Seconds over which past advice is remembered, so that the number does not flap. Default: 0 up, 300 down."""
    select_policy: Literal["Max", "Min", "Disabled"] | None = None
    """Which policy counts when there are several; Disabled forbids this direction. Default: Max."""
    policies: Annotated[tuple[ScalingPolicy, ...], Field(max_length=8)] | None = Field(
        default=None, json_schema_extra=ATOMIC
    )
    """Limits on the speed."""


class Behavior(Frozen):
    """How fast the number of pods may change."""

    scale_up: ScalingRules | None = None
    """Upwards."""
    scale_down: ScalingRules | None = None
    """Downwards."""


class AutoScaling(Frozen):
    """As in a HorizontalPodAutoscaler. {}: cpu at 80 % of its request."""

    metrics: Annotated[tuple[Annotated[dict[str, Any], ShapedBy(Metric)], ...], Field(max_length=4)] = Field(
        default=(), json_schema_extra=ATOMIC
    )
    """What the number of pods follows: the use of cpu or memory. Default: cpu at 80 % of its request. Example:
    [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]."""
    behavior: Annotated[dict[str, Any], ShapedBy(Behavior)] | None = None
    """How fast the number of pods may change. Default: that of Kubernetes (up at once, down after 5 minutes)."""
