"""The whole status of one CR."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.model_deployment import HistoryEntry
from moorage_operator.api.step import RevisionState
from moorage_operator.judge.conditions import conditions
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.guest_status import guests
from moorage_operator.judge.rollout_status import failed, intents, rollout, traffic
from moorage_operator.judge.times import milliseconds, seconds
from moorage_operator.judge.within_bounds import within_bounds
from moorage_operator.names import revision_selector, url


def status(evidence: Evidence) -> dict[str, Any]:
    """The status as the API server will keep it: fields without a value are left out."""
    metadata, step = evidence.owner.metadata, evidence.step
    whole = {
        "observedGeneration": metadata.generation,
        "conditions": conditions(evidence),
        "url": url(metadata.name, metadata.namespace),
        **_serving(evidence),
        "model": _model(evidence),
        "stable": _revision(evidence, evidence.stable),
        "candidate": _revision(evidence, evidence.state(step.candidate)),
        "rollout": rollout(evidence),
        "retiring": [{"revision": name, "since": milliseconds(at)} for name, at in sorted(step.retiring.items())],
        "failed": failed(step),
        "intents": intents(step),
        "guests": guests(evidence),
        "history": _history(evidence),
    }
    return within_bounds({key: value for key, value in whole.items() if value is not None})


def _serving(evidence: Evidence) -> dict[str, Any]:
    """What answers now. Pods are counted of the stable revision, of the first candidate before there is one."""
    serving, counted = evidence.stable, evidence.stable or evidence.newest
    selector = revision_selector(evidence.owner.metadata.name, counted.revision) if counted else None
    return {
        "version": serving.version if serving else None,
        "traffic": traffic(evidence) if serving else None,
        "replicas": counted.pods if counted else 0,
        "readyReplicas": counted.ready if counted else 0,
        "ready": f"{counted.ready}/{_wanted(evidence, counted)}" if counted else None,
        "selector": ",".join(f"{key}={value}" for key, value in sorted(selector.items())) if selector else None,
    }


def _model(evidence: Evidence) -> dict[str, Any] | None:
    meaning = evidence.meaning
    if meaning is None:
        previous = evidence.owner.status.model
        return previous.model_dump(by_alias=True) if previous is not None else None
    return {
        "storageUri": meaning.storage_uri,
        "version": meaning.version,
        "artifactUri": meaning.artifact_uri,
        "registry": meaning.registry,
    }


def _revision(evidence: Evidence, state: RevisionState | None) -> dict[str, Any] | None:
    if state is None:
        return None
    told = {
        "revision": state.revision,
        "version": state.version,
        "artifactUri": state.artifact_uri,
        "digest": state.digest,
        "replicas": _wanted(evidence, state),
        "readyReplicas": state.ready,
    }
    return {key: value for key, value in told.items() if value is not None}


def _wanted(evidence: Evidence, state: RevisionState) -> int:
    planned = evidence.step.replicas.get(state.revision)
    return planned if planned is not None else state.desired or 0


def _history(evidence: Evidence) -> list[dict[str, Any]]:
    """The revisions that served, the newest first; the one that serves is always at its head."""
    limit = 1 + evidence.owner.spec.revision_history_limit
    told = [_entry(each) for each in evidence.owner.status.history]
    stable = evidence.stable
    if stable is None:
        return told
    since = told[0]["promotedAt"] if told and told[0]["revision"] == stable.revision else seconds(evidence.now)
    head = HistoryEntry(
        revision=stable.revision,
        version=stable.version,
        artifact_uri=stable.artifact_uri,
        digest=stable.digest,
        promoted_at=since,
    )
    return [_entry(head), *(each for each in told if each["revision"] != stable.revision)][:limit]


def _entry(entry: HistoryEntry) -> dict[str, Any]:
    return entry.model_dump(by_alias=True, exclude_none=True)
