"""A judge's answer, and how answers become conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from moorage_operator.api.model_deployment import Condition
from moorage_operator.api.problem import Problem

MESSAGE_BYTES = 2000
"""A status is told again and again; nobody reads more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One condition's status, reason and message. `generation`: of the spec that it is about."""

    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    generation: int


def true(reason: str, message: str, generation: int) -> Verdict:
    """It is so."""
    return Verdict("True", reason, message, generation)


def false(reason: str, message: str, generation: int) -> Verdict:
    """It is not so."""
    return Verdict("False", reason, message, generation)


def unknown(reason: str, message: str, generation: int) -> Verdict:
    """Nobody can say yet."""
    return Verdict("Unknown", reason, message, generation)


def blamed(problem: Problem, generation: int) -> Verdict:
    """It is not so, because of that problem."""
    return false(problem.reason, problem.message, generation)


def as_condition(kind: str, verdict: Verdict, previous: Condition | None, now: str) -> dict[str, Any]:
    """The condition; its transition time moves only when its status does."""
    kept = previous is not None and previous.status == verdict.status
    message = verdict.message.encode()[:MESSAGE_BYTES].decode(errors="ignore")
    return {
        "type": kind,
        "status": verdict.status,
        "reason": str(verdict.reason),
        "message": message,
        "lastTransitionTime": previous.last_transition_time if kept and previous is not None else now,
        "observedGeneration": verdict.generation,
    }
