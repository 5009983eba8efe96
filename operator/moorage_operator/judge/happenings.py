"""What changed between the last status and this one, as a person would tell it: the Events of `kubectl describe`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from moorage_operator.api.conditions import ConditionType, Reason
from moorage_operator.api.model_deployment import ModelDeploymentStatus
from moorage_operator.api.records import Happening
from moorage_operator.api.status import GuestStatus
from moorage_operator.api.step import Role

_WARNED = (ConditionType.STALLED, "True"), (ConditionType.REGISTRY_REACHABLE, "False"), (ConditionType.READY, "False")
"""The condition statuses that are worth a warning when they come, or come for another reason."""


def happenings(before: ModelDeploymentStatus, after: Mapping[str, Any]) -> tuple[Happening, ...]:
    """In the order in which they are told. Equal statuses give none."""
    told = ModelDeploymentStatus.model_validate(after)
    course = (_newcomer, _asked, _steps, _judgement, _pause, _rollback, _rescue, _promotion)
    story = (*course, _guests, _warnings, _recovery)
    return tuple(happening for tell in story for happening in tell(before, told))


def _newcomer(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    candidate = after.candidate
    if candidate is not None and (before.candidate is None or before.candidate.revision != candidate.revision):
        yield Happening("Normal", Reason.LOADING, f"Version {candidate.version} comes in ({candidate.revision}).")


_ANSWERS: dict[str, tuple[Literal["Normal", "Warning"], Reason]] = {
    "Stale": ("Warning", Reason.INTENT_STALE),
    "Used": ("Warning", Reason.INTENT_USED),
}


def _asked(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    for intent in after.intents:
        if intent not in before.intents:
            kind, reason = _ANSWERS.get(intent.answer, ("Normal", Reason.INTENT_DONE))
            yield Happening(kind, reason, f"{intent.name}: {intent.message}")


def _steps(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    was, now, candidate = before.rollout, after.rollout, after.candidate
    if candidate is None or now is None or now.step_since is None or not 0 < (now.step or 0) <= (now.steps or 0):
        return
    if was is None or before.candidate is None or (was.step, was.step_since) != (now.step, now.step_since):
        name = f"Version {candidate.version} ({candidate.revision})"
        share = f"gets {now.traffic_percent or 0} % of the traffic"
        yield Happening("Normal", Reason.STEP_BEGUN, f"{name} {share}: step {now.step} of {now.steps}.")


_VERDICTS = {
    "Pass": ("Normal", Reason.JUDGED_GOOD),
    "Fail": ("Warning", Reason.JUDGED_BAD),
    "Inconclusive": ("Normal", Reason.JUDGED_OPEN),
}


def _judgement(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    was = before.rollout.judgement if before.rollout is not None else None
    now = after.rollout.judgement if after.rollout is not None else None
    if now is None or (was is not None and was.at == now.at) or now.verdict not in _VERDICTS:
        return
    kind, reason = _VERDICTS[now.verdict]
    yield Happening("Warning" if kind == "Warning" else "Normal", reason, f"{now.verdict}: {now.message}")


def _pause(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    was, now = before.condition(ConditionType.RECONCILING), after.condition(ConditionType.RECONCILING)
    if now is not None and now.reason == Reason.PAUSED and (was is None or was.message != now.message):
        yield Happening("Normal", Reason.PAUSED, now.message)


def _rollback(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    for failure in after.failed:
        if failure not in before.failed:
            name = f"Version {failure.version} ({failure.revision})"
            message = f"{name} gets no traffic any more: {failure.reason}: {failure.message}"
            yield Happening("Warning", Reason.ROLLED_BACK, message)


def _rescue(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    was, now = before.condition(ConditionType.RECONCILING), after.condition(ConditionType.RECONCILING)
    if now is not None and now.reason == Reason.STABLE_REPLACED and (was is None or was.reason != now.reason):
        yield Happening("Warning", now.reason, now.message)


def _promotion(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    stable, previous = after.stable, before.stable
    if stable is None or (previous is not None and previous.revision == stable.revision):
        return
    instead = f" instead of {previous.version} ({previous.revision})" if previous is not None else ""
    yield Happening("Normal", Reason.SERVING, f"Version {stable.version} ({stable.revision}) serves{instead}.")


def _guests(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    for guest in after.guests:
        was = next((each for each in before.guests if (each.role, each.name) == (guest.role, guest.name)), None)
        if guest.reason not in (None, Reason.LOADING, was.reason if was is not None else None):
            yield Happening("Warning", guest.reason or "", guest.message or "")
        elif _stands(guest) and (was is None or not _stands(was) or was.revision != guest.revision):
            yield Happening("Normal", Reason.GUEST_STANDS, _standing(guest, was))


def _stands(guest: GuestStatus) -> bool:
    """A message without a reason says that it serves in another role."""
    return guest.reason is None and guest.message is None


def _standing(guest: GuestStatus, was: GuestStatus | None) -> str:
    version = guest.model.version if guest.model is not None else "?"
    shadow = guest.role == Role.SHADOW
    who = f"{'Shadow' if shadow else f'Arm {guest.name}'} (version {version})"
    gets = "gets its copies" if shadow else "answers its clients"
    over = was.reason if was is not None and was.reason != Reason.LOADING else None
    return f"{who} {gets}." + (f" {over} is over." if over else "")


def _warnings(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    for kind, bad in _WARNED:
        was, now = before.condition(kind), after.condition(kind)
        if now is None or now.status != bad or now.reason == Reason.NOT_SERVED_YET:
            continue
        if was is None or (was.status, was.reason) != (now.status, now.reason):
            yield Happening("Warning", now.reason, now.message)


def _recovery(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    was, now = before.condition(ConditionType.STALLED), after.condition(ConditionType.STALLED)
    if was is not None and now is not None and (was.status, now.status) == ("True", "False"):
        yield Happening("Normal", now.reason, f"{was.reason} is over.")
