"""A guest in a word and a sentence, as its condition, its status and its Events have it."""

from __future__ import annotations

from dataclasses import dataclass

from moorage_operator.api.conditions import Reason
from moorage_operator.api.guests import Guest
from moorage_operator.api.step import Role
from moorage_operator.judge.evidence import Company, Evidence


@dataclass(frozen=True, slots=True)
class Word:
    """`reason`: what keeps it from standing, None when nothing does. `bad`: somebody has to help."""

    reason: str | None = None
    message: str | None = None
    bad: bool = False


STANDS = Word()


def word(evidence: Evidence, told: Company) -> Word:
    """What there is to say of one guest."""
    who, step = named(told.guest, told.resolved.version if told.resolved is not None else None), evidence.step
    if told.problem is not None:
        return Word(told.problem.reason, f"{who}: {_with_effect(evidence, told)}", bad=True)
    if told.revision is not None and told.revision == step.stable:
        return Word(None, f"{who} is the version that serves.")
    if told.revision is not None and told.revision == step.candidate:
        return Word(None, f"{who} comes in as the version that serves next.")
    if not stands(evidence, told):
        doing = "waits for spec.model to serve" if step.stable is None else "downloads, loads and tests its model"
        return Word(Reason.LOADING, f"{who} {doing}.")
    return STANDS


def stands(evidence: Evidence, told: Company) -> bool:
    """Whether a pod of it answers, and is meant to."""
    state = evidence.state(told.revision)
    return told.revision in evidence.step.companions and state is not None and state.ready > 0 and told.misfit is None


def named(guest: Guest, version: str | None) -> str:
    """As people call it."""
    name = "Shadow" if guest.role is Role.SHADOW else f"Arm {guest.name}"
    return f"{name} (version {version})" if version is not None else name


def _with_effect(evidence: Evidence, told: Company) -> str:
    message = told.problem.message if told.problem is not None else ""
    if stands(evidence, told):
        return message
    effect = "It gets no copies." if told.guest.role is Role.SHADOW else "Its clients are answered by spec.model."
    return f"{message} {effect}"
