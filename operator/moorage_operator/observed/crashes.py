"""Containers of a revision that ended, as the pods' status tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from moorage_operator.api.judgement import Crash
from moorage_operator.names import SERVE_CONTAINER
from moorage_operator.observed.pod import Pod, last_end

_NODE_FAULTS = ("ContainerStatusUnknown", "Unknown")
"""Ends that say nothing about what ran: the node was lost, or began anew (containerd's word for it, exit code 255)."""


def crashes(pods: Iterable[Pod]) -> tuple[Crash, ...]:
    """The last end of each serving container, of pods that are not going away."""
    return tuple(_ended(pods))


def _ended(pods: Iterable[Pod]) -> Iterator[Crash]:
    for pod in pods:
        ended = last_end(pod.container(SERVE_CONTAINER))
        if ended.get("finishedAt") and ended.get("reason") not in _NODE_FAULTS:
            at = datetime.fromisoformat(ended["finishedAt"])
            yield Crash(pod.name, at, ended.get("exitCode"), ended.get("reason") == "OOMKilled")
