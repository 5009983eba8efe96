"""Everybody who is asked beside the pods, all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from moorage_operator.api.analysis import Analysis, Metric
from moorage_operator.api.judgement import Check
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.opinions.prometheus import PrometheusServer, judge_metric
from moorage_operator.opinions.webhook import judge_by_webhook


@dataclass(frozen=True, slots=True)
class Panel:
    """The judges that the settings let a resource name. `hosts`: of webhooks."""

    session: aiohttp.ClientSession
    servers: Mapping[str, PrometheusServer]
    hosts: tuple[str, ...] = ()

    async def opinions(self, deployment: ModelDeployment, analysis: Analysis) -> tuple[Check, ...]:
        """What each says of the candidate, in the order of the resource. Raises nothing."""
        values = _values(deployment)
        known = _known(deployment)
        asked = [
            *(self._metric(metric, values) for metric in analysis.metrics),
            *(judge_by_webhook(self.session, self.hosts, webhook, known) for webhook in analysis.webhooks),
        ]
        return tuple(await asyncio.gather(*asked))

    async def _metric(self, metric: Metric, values: Mapping[str, str]) -> Check:
        return await judge_metric(self.session, self.servers.get(metric.prometheus.server), metric, values)


def _values(deployment: ModelDeployment) -> dict[str, str]:
    status = deployment.status
    return {
        "namespace": deployment.metadata.namespace,
        "name": deployment.metadata.name,
        "revision": status.candidate.revision if status.candidate else "",
        "stableRevision": status.stable.revision if status.stable else "",
    }


def _known(deployment: ModelDeployment) -> dict[str, Any]:
    """What a webhook gets: who is judged, and the judgement so far."""
    status = deployment.status
    rollout = (
        status.rollout.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"totals"})
        if status.rollout
        else None
    )
    return {
        **_values(deployment),
        "version": status.candidate.version if status.candidate else None,
        "stableVersion": status.stable.version if status.stable else None,
        "rollout": rollout,
    }
