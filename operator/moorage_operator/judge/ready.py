"""Ready: does a version answer at the URL?"""

from __future__ import annotations

from collections.abc import Callable

from moorage_operator.api.conditions import ConditionType, Reason
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.stable_down import told
from moorage_operator.judge.verdict import Verdict, blamed, false, true
from moorage_operator.names import url

Check = Callable[[Evidence], Verdict | None]


def judge(evidence: Evidence) -> Verdict:
    """True while the Service selects pods that answer; of the current generation only if they are what it names."""
    chain: tuple[Check, ...] = (_never_served, _not_routed, _stable_down, _no_pod_ready)
    return next((no for check in chain if (no := check(evidence)) is not None), _serving(evidence))


def _never_served(evidence: Evidence) -> Verdict | None:
    if evidence.step.stable is not None:
        return None
    return false(Reason.NOT_SERVED_YET, _because(evidence, "No version has answered yet."), _generation(evidence))


def _not_routed(evidence: Evidence) -> Verdict | None:
    if evidence.selected in (evidence.step.stable, evidence.step.candidate):
        return None
    message = _because(evidence, "The public Service selects no revision that serves; it is being repaired.")
    return false(Reason.NOT_ROUTED, message, _generation(evidence))


def _stable_down(evidence: Evidence) -> Verdict | None:
    problem = told(evidence)
    return blamed(problem, _generation(evidence)) if problem is not None else None


def _no_pod_ready(evidence: Evidence) -> Verdict | None:
    selected = evidence.state(evidence.selected)
    if selected is not None and selected.ready:
        return None
    version = selected.version if selected is not None else "?"
    return false(
        Reason.NO_POD_READY, _because(evidence, f"No pod of version {version} answers."), _generation(evidence)
    )


def _serving(evidence: Evidence) -> Verdict:
    selected = evidence.state(evidence.selected)
    version = selected.version if selected is not None else "?"
    metadata = evidence.owner.metadata
    message = f"Version {version} answers at {url(metadata.name, metadata.namespace)}."
    return true(Reason.SERVING, message, _generation(evidence))


def _because(evidence: Evidence, message: str) -> str:
    problem = evidence.problems.any
    return f"{message} {problem.message}" if problem is not None else message


def _generation(evidence: Evidence) -> int:
    """Below the CR's own while something else than what it names serves: whoever waits for it goes on waiting."""
    generation = evidence.owner.metadata.generation
    if evidence.current:
        return generation
    told = [each for each in evidence.owner.status.conditions if each.type == ConditionType.READY]
    return max(0, min([generation - 1, *(each.observed_generation for each in told)]))
