"""What people ask for by annotation: each names a revision, so that an old click does nothing to a new one.

An intent is done once. Its answer is remembered with its value; the same value counts again only after the annotation
was gone for a pass, and says so once its deed is no longer in force. `pause` is the one exception: it holds for as long
as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from moorage_operator.api.conditions import Reason
from moorage_operator.api.step import Answer, Failure, Progress, Scene
from moorage_operator.rollout import roles
from moorage_operator.rollout.goal import before, revisions

DONE, WAITING, STALE, USED = "Done", "Waiting", "Stale", "Used"


@dataclass(frozen=True, slots=True)
class _Present:
    """Who there is. `arriving`: the candidate, once the Service has moved to it."""

    stable: str | None
    candidate: str | None
    arriving: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """`progress`: with what was promoted or approved. `aborted`: of the candidate. `frozen`: by annotation or spec."""

    progress: Progress
    aborted: bool = False
    frozen: bool = False
    answers: tuple[Answer, ...] = ()


def reconsidered(
    scene: Scene, stable: str | None, failures: tuple[Failure, ...]
) -> tuple[tuple[Failure, ...], tuple[Answer, ...]]:
    """The failures after retry and undo, and the answers to both."""
    answers = []
    for name, act in (("retry", _retry), ("undo", _undo)):
        value = getattr(scene.intents, name)
        if value is None:
            continue
        answer = _remembered(scene, name, value)
        if answer is None:
            failures, word, message = act(scene, stable, value, failures)
            answer = Answer(name, value, word, message)
        elif (value in revisions(failures)) if name == "retry" else (value == stable not in revisions(failures)):
            # It failed again, or serves again.
            answer = _used(answer)
        answers.append(answer)
    return failures, tuple(answers)


def asked(scene: Scene, stable: str | None, candidate: str | None, progress: Progress) -> Asked:
    """What promote, abort and pause mean for this candidate."""
    found, there = Asked(progress, frozen=scene.plan.paused), _Present(stable, candidate, roles.arriving(scene))
    for name, act in _OF_CANDIDATE.items():
        value = getattr(scene.intents, name)
        if value is None:
            continue
        answer = None if name == "pause" else _remembered(scene, name, value)
        if answer is None:
            found, word, message = act(found, value, there)
            answer = Answer(name, value, word, message)
        elif _is_over(found, name, value, candidate):
            answer = _used(answer)
        found = replace(found, answers=(*found.answers, answer))
    return found


def _remembered(scene: Scene, name: str, value: str) -> Answer | None:
    told = (each for each in scene.memory.answers if (each.name, each.value) == (name, value))
    return next((each for each in told if each.word != WAITING), None)


def _is_over(found: Asked, name: str, value: str, candidate: str | None) -> bool:
    """Whether the candidate is here again, and what was done to it in an earlier try counts no more."""
    revision, _, number = value.partition("@")
    if revision != candidate or name == "abort":
        return revision == candidate
    return found.progress.approved < int(number) if number.isdigit() else not found.progress.promoted


def _used(answer: Answer) -> Answer:
    """The old answer, if something was done, as one that counts no more."""
    if answer.word != DONE:
        return answer
    message = (
        "It was done at an earlier time and does nothing more. To ask again, remove it first "
        f"(annotate moorage.dev/{answer.name}-), then set it again."
    )
    return replace(answer, word=USED, message=message)


Outcome = tuple[tuple[Failure, ...], str, str]


def _retry(scene: Scene, _stable: str | None, value: str, failures: tuple[Failure, ...]) -> Outcome:
    if value not in revisions(failures):
        return failures, STALE, f"Revision {value} is not among those that failed; nothing was done."
    if value != scene.wanted:
        return failures, STALE, f"Revision {value} is not what the spec means now; nothing was done."
    return tuple(each for each in failures if each.revision != value), DONE, f"Revision {value} is tried again."


def _undo(scene: Scene, stable: str | None, value: str, failures: tuple[Failure, ...]) -> Outcome:
    barred = revisions(failures)
    if value != stable:
        return failures, STALE, f"Revision {value} does not serve; nothing was done."
    if scene.wanted not in barred | {stable}:
        return failures, STALE, "Another version is coming in; abort that one first. Nothing was done."
    target = before(scene, barred | {value})
    if target is None:
        return failures, STALE, "No revision before it is remembered that could serve again; nothing was done."
    message = f"Revision {value} was undone by annotation; revision {target} serves again."
    undone = Failure(value, scene.revisions[value].version, Reason.UNDONE_BY_USER, message, scene.now, scene.meaning)
    return (undone, *failures), DONE, f"Going back to revision {target}."


def _promote(found: Asked, value: str, there: _Present) -> tuple[Asked, str, str]:
    revision, _, number = value.partition("@")
    if revision != there.candidate or (number and not number.isdigit()):
        return (found, *_of_another(revision, there))
    if not number:
        progress = replace(found.progress, promoted=True)
        return replace(found, progress=progress), DONE, f"Revision {revision} gets all of the traffic at once."
    if int(number) > found.progress.step:
        return found, WAITING, f"Revision {revision} has not come to step {number} yet."
    progress = replace(found.progress, approved=max(found.progress.approved, int(number)))
    return replace(found, progress=progress), DONE, f"Step {number} of revision {revision} is approved."


def _abort(found: Asked, value: str, there: _Present) -> tuple[Asked, str, str]:
    if value != there.candidate:
        return (found, *_of_another(value, there))
    if there.stable is None:
        return found, STALE, "No version serves yet that could stay in its place; nothing was done."
    if value == there.arriving:
        return (found, *_too_late(value))
    return replace(found, aborted=True), DONE, f"Revision {value} is rolled back."


def _pause(found: Asked, value: str, there: _Present) -> tuple[Asked, str, str]:
    if value != there.candidate:
        return (found, *_of_another(value, there))
    if value == there.arriving:
        return (found, *_too_late(value))
    if found.progress.promoted:
        return found, STALE, f"Revision {value} was promoted and does not stop; nothing was done."
    return replace(found, frozen=True), DONE, f"Revision {value} stays where it is while the annotation stands."


_OF_CANDIDATE: dict[str, Callable[[Asked, str, _Present], tuple[Asked, str, str]]] = {
    "promote": _promote,
    "abort": _abort,
    "pause": _pause,
}


def _too_late(revision: str) -> tuple[str, str]:
    return STALE, (
        f"The Service has moved to revision {revision}; nothing was done. Once it serves, moorage.dev/undo={revision} "
        "goes back."
    )


def _of_another(revision: str, there: _Present) -> tuple[str, str]:
    if revision == there.stable:
        return STALE, f"Revision {revision} serves already; nothing was done."
    if there.candidate is None:
        return STALE, f"Revision {revision} is not coming in, and no other is; nothing was done."
    message = f"Revision {revision} is not the one that is coming in, which is {there.candidate}; nothing was done."
    return STALE, message
