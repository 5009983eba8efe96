"""What the spec says of rollouts, as numbers: seconds, percent, and shares between 0 and 1."""

from __future__ import annotations

from collections.abc import Iterator

from moorage_operator.api.analysis import Analysis
from moorage_operator.api.duration import duration_seconds
from moorage_operator.api.judgement import Rules
from moorage_operator.api.model_deployment import ModelDeploymentSpec
from moorage_operator.api.rollout import Rollout
from moorage_operator.api.share import share
from moorage_operator.api.step import AT_ONCE, Plan, PlannedStep

LENIENT = Rules(interval=5.0, warm_up=2.0, compare_share=0.0)
"""A rollout that nobody described is watched closely for the short while that it takes. It may answer differently: who
asks for no comparison means the change."""


def plan(spec: ModelDeploymentSpec) -> Plan:
    """The steps, and when to go from one to the next."""
    wished = spec.rollout
    if wished is None:
        return AT_ONCE
    return Plan(
        steps=tuple(_steps(wished)) or AT_ONCE.steps,
        lenient=False,
        paused=wished.paused,
        interval=rules(spec).interval,
        max_hold=duration_seconds(wished.max_hold, "spec.rollout.maxHold"),
        on_inconclusive=wished.analysis.on_inconclusive,
    )


def rules(spec: ModelDeploymentSpec) -> Rules:
    """What a candidate is held to."""
    return LENIENT if spec.rollout is None else _rules(spec.rollout.analysis)


def scale_down_seconds(spec: ModelDeploymentSpec, default: float) -> float:
    """How long a revision stands on without traffic."""
    if spec.rollout is None:
        return default
    return duration_seconds(spec.rollout.scale_down_delay, "spec.rollout.scaleDownDelay")


def _steps(wished: Rollout) -> Iterator[PlannedStep]:
    weight = 0
    for number, step in enumerate(wished.steps):
        weight = max(weight, step.traffic_percent if step.traffic_percent is not None else weight)
        yield PlannedStep(
            weight=weight,
            shadow=step.shadow.percent if step.shadow is not None else 0.0,
            hold=duration_seconds(step.hold, f"spec.rollout.steps[{number}].hold"),
            pause=step.pause,
        )


def _rules(said: Analysis) -> Rules:
    path = "spec.rollout.analysis"
    return Rules(
        interval=duration_seconds(said.interval, f"{path}.interval"),
        min_samples=said.min_samples,
        warm_up=duration_seconds(said.warm_up, f"{path}.warmUp"),
        max_error_rate=share(said.max_error_rate, f"{path}.maxErrorRate"),
        max_latency_ratio=said.max_latency_ratio,
        latency_quantile=said.latency_quantile / 100,
        max_disagreement=share(said.max_disagreement, f"{path}.maxDisagreement"),
        failure_limit=said.failure_limit,
        compare_share=said.compare.percent / 100,
        judges=len(said.metrics) + len(said.webhooks),
    )
