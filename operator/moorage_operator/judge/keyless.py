"""Servers that are up and let nobody in: a pod that waits for its API keys cannot say so, for it does not end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from moorage_operator.api.conditions import Reason
from moorage_operator.api.problem import Problem
from moorage_operator.names import SERVE_CONTAINER
from moorage_operator.observed.pod import Pod

DOUBT_SECONDS = 20.0
"""A server whose model is loaded is ready within a second or two; only the kubelet knows since when it is loaded."""


@dataclass(frozen=True, slots=True)
class Keyless:
    """`problem`: once it is one. `left`: seconds until it will be, if nothing changes."""

    problem: Problem | None = None
    left: float | None = None


def keyless(pods: Collection[Pod], secret: str | None, now: datetime) -> Keyless:
    """What to think of the pods of a revision that wants keys from `secret`; None: it wants none."""
    waits = [_waited(pod, now) for pod in pods]
    known = [seconds for seconds in waits if seconds is not None]
    if secret is None or not known or len(known) < len(waits):
        return Keyless()
    left = DOUBT_SECONDS - max(known)
    return Keyless(left=left) if left > 0 else Keyless(_problem(secret))


def _waited(pod: Pod, now: datetime) -> float | None:
    """Seconds for which the server runs, of a pod that passed its startup probe and is not ready."""
    server = pod.container(SERVE_CONTAINER)
    started = (server.get("state") or {}).get("running", {}).get("startedAt")
    if pod.ready or not server.get("started") or started is None:
        return None
    return (now - datetime.fromisoformat(started)).total_seconds()


def _problem(secret: str) -> Problem:
    message = (
        f"The model is loaded and the pods let nobody in, as they do without an API key. spec.auth.secretName names "
        f"Secret {secret}: create it in this namespace with at least one entry; it is noticed without a restart."
    )
    return Problem(Reason.API_KEYS_MISSING, message)
