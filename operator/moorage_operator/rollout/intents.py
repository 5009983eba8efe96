"""What people ask for by annotation: each names a revision, so that an old click does nothing to a new one.

An intent is done once. Its answer is remembered with its value; the same value counts again only after the annotation
was gone for a pass. `pause` is the one exception: it holds for as long as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from moorage_operator.api.conditions import Reason
from moorage_operator.api.step import Answer, Failure, Progress, Scene
from moorage_operator.rollout.goal import before, revisions

DONE, WAITING, STALE = "Done", "Waiting", "Stale"


@dataclass(frozen=True, slots=True)
class Asked:
    """`progress`: with what was promoted or approved. `aborted`, `frozen`: of the candidate."""

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
        answers.append(answer)
    return failures, tuple(answers)


def asked(scene: Scene, stable: str | None, candidate: str | None, progress: Progress) -> Asked:
    """What promote, abort and pause mean for this candidate."""
    found = Asked(progress)
    for name, act in _OF_CANDIDATE.items():
        value = getattr(scene.intents, name)
        if value is None:
            continue
        answer = None if name == "pause" else _remembered(scene, name, value)
        if answer is None:
            found, word, message = act(found, value, stable, candidate)
            answer = Answer(name, value, word, message)
        found = replace(found, answers=(*found.answers, answer))
    return found


def _remembered(scene: Scene, name: str, value: str) -> Answer | None:
    told = (each for each in scene.memory.answers if (each.name, each.value) == (name, value))
    return next((each for each in told if each.word != WAITING), None)


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


def _promote(found: Asked, value: str, stable: str | None, candidate: str | None) -> tuple[Asked, str, str]:
    revision, _, number = value.partition("@")
    if revision != candidate or (number and not number.isdigit()):
        return (found, *_of_another(revision, stable, candidate))
    if not number:
        progress = replace(found.progress, promoted=True)
        return replace(found, progress=progress), DONE, f"Revision {revision} gets all of the traffic at once."
    if int(number) > found.progress.step:
        return found, WAITING, f"Revision {revision} has not come to step {number} yet."
    progress = replace(found.progress, approved=max(found.progress.approved, int(number)))
    return replace(found, progress=progress), DONE, f"Step {number} of revision {revision} is approved."


def _abort(found: Asked, value: str, stable: str | None, candidate: str | None) -> tuple[Asked, str, str]:
    if value != candidate:
        return (found, *_of_another(value, stable, candidate))
    if stable is None:
        return found, STALE, "No version serves yet that could stay in its place; nothing was done."
    return replace(found, aborted=True), DONE, f"Revision {value} is rolled back."


def _pause(found: Asked, value: str, stable: str | None, candidate: str | None) -> tuple[Asked, str, str]:
    if value != candidate:
        return (found, *_of_another(value, stable, candidate))
    return replace(found, frozen=True), DONE, f"Revision {value} stays where it is while the annotation stands."


_OF_CANDIDATE: dict[str, Callable[[Asked, str, str | None, str | None], tuple[Asked, str, str]]] = {
    "promote": _promote,
    "abort": _abort,
    "pause": _pause,
}


def _of_another(revision: str, stable: str | None, candidate: str | None) -> tuple[str, str]:
    if revision == stable:
        return STALE, f"Revision {revision} serves already; nothing was done."
    if candidate is None:
        return STALE, f"Revision {revision} is not coming in, and no other is; nothing was done."
    return STALE, f"Revision {revision} is not the one that is coming in, which is {candidate}; nothing was done."
