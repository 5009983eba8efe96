"""The shadow and the arms, as the status tells them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from moorage_operator.api.judgement import Counted
from moorage_operator.api.records import Resolved
from moorage_operator.judge.evidence import Company, Evidence
from moorage_operator.judge.guest_word import word
from moorage_operator.judge.times import milliseconds

MESSAGE_LENGTH = 2000


def guests(evidence: Evidence) -> list[dict[str, Any]]:
    """One entry each, in the order of the spec."""
    return [_guest(evidence, each) for each in evidence.company]


def _guest(evidence: Evidence, told: Company) -> dict[str, Any]:
    state, said = evidence.state(told.revision), word(evidence, told)
    whole = {
        "role": told.guest.role.value,
        "name": told.guest.name,
        "revision": told.revision,
        "model": _model(told.resolved) if told.resolved is not None else None,
        "digest": state.digest if state is not None else None,
        "readyReplicas": state.ready if state is not None else 0,
        "reason": str(said.reason) if said.reason is not None else None,
        "message": said.message[:MESSAGE_LENGTH] if said.message is not None else None,
        "counts": _counts(told.counted) if told.counted is not None else None,
    }
    return {key: value for key, value in whole.items() if value is not None}


def _model(resolved: Resolved) -> dict[str, str]:
    return {
        "storageUri": resolved.storage_uri,
        "version": resolved.version,
        "artifactUri": resolved.artifact_uri,
        "registry": resolved.registry,
    }


def _counts(told: Counted) -> dict[str, Any]:
    counts = asdict(told)
    slower = counts.pop("slower_millis")
    whole = {**counts, "at": milliseconds(told.at), "slowerMillis": slower, "samples": list(told.samples)}
    return {key: value for key, value in whole.items() if value is not None}
