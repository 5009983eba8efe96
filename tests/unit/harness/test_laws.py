"""The laws of a rollout catch what they are there for, and staged pods tell what a rollout needs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from e2e.harness.history import Entry
from e2e.harness.laws import broken_laws
from e2e.harness.ledger import RATE, Ledger, Life

from moorage_runtime.config import Route, RouteTable, decode_pod_report

OLD, NEW = "0123456789", "abcdef0123"
UID = "5"
OWNED = {"ownerReferences": [{"uid": UID, "controller": True}]}
PATH = f"/api/v1/namespaces/n/pods/http:model-{OLD}-668f4bd664-t9vnz:8081/proxy/state"


def owner(*failed: str) -> tuple[str, dict[str, Any]]:
    """The ModelDeployment, and the revisions that failed."""
    status = {"failed": [{"revision": revision} for revision in failed]}
    return "ModelDeployment", {"metadata": {"name": "model", "uid": UID}, "status": status}


def pod(revision: str, *, ready: bool = True, leaving: bool = False) -> tuple[str, dict[str, Any]]:
    """A pod of a revision."""
    metadata: dict[str, Any] = {"name": f"model-{revision}", "labels": {"moorage.dev/revision": revision}}
    if leaving:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    conditions = [{"type": "Ready", "status": str(ready)}]
    return "Pod", {"metadata": metadata, "status": {"conditions": conditions}}


def service(revision: str) -> tuple[str, dict[str, Any]]:
    """The public Service."""
    return "Service", {"metadata": {"name": "model", **OWNED}, "spec": {"selector": {"moorage.dev/revision": revision}}}


def deployment(revision: str, replicas: int) -> tuple[str, dict[str, Any]]:
    """A revision's Deployment."""
    metadata = {"name": f"model-{revision}", "labels": {"moorage.dev/revision": revision}}
    return "Deployment", {"metadata": metadata, "spec": {"replicas": replicas}}


def table(generation: int, weight: int, version: str = "second") -> tuple[str, dict[str, Any]]:
    """A route table with a candidate."""
    revisions = {NEW: {"role": "candidate", "version": version, "weight": weight}}
    text = json.dumps({"generation": generation, "revisions": revisions})
    return "ConfigMap", {"metadata": {"name": "model-routes", **OWNED}, "data": {"routes.json": text}}


def told(*entries: tuple[str, dict[str, Any]]) -> list[str]:
    """What is wrong with this history."""
    return broken_laws([Entry(at, kind, body) for at, (kind, body) in enumerate(entries)], "model")


def test_a_good_rollout_breaks_no_law() -> None:
    begin = (owner(), deployment(OLD, 1), pod(OLD, ready=False), service(OLD), pod(OLD), table(1, 0))
    middle = (deployment(NEW, 1), pod(NEW), table(2, 25), table(3, 100), service(NEW))
    assert told(*begin, *middle, pod(OLD, leaving=True), deployment(OLD, 0)) == []


@pytest.mark.parametrize(
    ("entries", "wrong"),
    [
        ((owner(), service(OLD), pod(OLD), pod(OLD, ready=False)), f"selects revision {OLD}, which has no ready pod"),
        ((owner(), service(OLD), pod(OLD), pod(OLD, leaving=True)), f"selects revision {OLD}, which has no ready pod"),
        ((owner(), service(OLD), pod(OLD), service(NEW)), f"selects revision {NEW}, which has no ready pod"),
        ((owner(), table(3, 0), table(2, 0)), "the generation of the route table fell from 3 to 2"),
        ((owner(), deployment(NEW, 0), owner(NEW), deployment(NEW, 1)), f"revision {NEW} has failed, and gets 1 pods"),
        ((owner(NEW), table(1, 0), table(2, 5)), f"revision {NEW} has failed, and gets 5 % again"),
        ((owner(), pod(NEW), table(1, 50), table(2, 25)), f"the good revision {NEW} fell from 50 to 25"),
    ],
)
def test_a_broken_law_is_told(entries: tuple[tuple[str, dict[str, Any]], ...], wrong: str) -> None:
    [found] = told(*entries)
    assert wrong in found
    assert found.startswith(f"at {len(entries) - 1} ")


def test_what_excuses_a_weight_that_falls() -> None:
    assert told(owner(), pod(NEW), table(1, 50, "bad"), table(2, 0, "bad")) == []
    assert told(owner(), pod(NEW), table(1, 50), pod(NEW, ready=False), pod(NEW), table(2, 0)) == []


def test_what_a_deleted_namesake_left_behind_is_no_concern() -> None:
    old = (owner(), pod(OLD), service(OLD), table(3, 0))
    kind, namesake = owner()
    namesake = {**namesake, "metadata": {"name": "model", "uid": "6"}}
    anew = [Entry(5, kind, namesake), Entry(6, *table(1, 0)), Entry(7, *service(NEW)), Entry(8, *pod(OLD, ready=False))]
    entries = [Entry(at, *each) for at, each in enumerate(old)]
    assert broken_laws([*entries, Entry(4, *owner(), gone=True), *anew], "model") == []


def test_a_deployment_made_anew_begins_its_generations_anew() -> None:
    gone = Entry(2, *owner(), gone=True)
    history = [Entry(0, *owner()), Entry(1, *table(3, 0)), gone, Entry(3, *owner()), Entry(4, *table(1, 0))]
    assert broken_laws(history, "model") == []


def routes(version: str) -> RouteTable:
    """A quarter for the candidate."""
    candidate = Route(version=version, role="candidate", weight=25)
    return RouteTable(generation=7, revisions={OLD: Route(version="first", role="stable", weight=75), NEW: candidate})


@pytest.mark.parametrize(("version", "outcome"), [("second", "ok"), ("bad", "failed")])
def test_pods_count_by_the_table(version: str, outcome: str) -> None:
    stable, candidate = Life(OLD, 0.0), Life(NEW, 0.0)
    for life in (stable, candidate):
        life.count(routes(version), 1.0)
        life.count(routes(version), 2.0)
    report = stable.report("pod", 7)
    assert report.forwarded[NEW].outcomes == {outcome: RATE // 2}
    assert report.answered.outcomes == {"ok": RATE * 2 if outcome == "failed" else RATE * 3 // 2}
    assert candidate.report("pod", 7).answered.outcomes == {outcome: RATE // 2}
    assert sum(candidate.report("pod", 7).answered.seconds) == RATE // 2


def test_the_ledger_answers_for_pods_and_for_nothing_else() -> None:
    ledger = Ledger(lambda: routes("second"))
    report = decode_pod_report(ledger.answer(PATH) or b"")
    assert report is not None
    assert (report.revision, report.generation) == (OLD, 7)
    assert ledger.answer("/api/v1/namespaces/n/pods") is None
    assert Ledger(lambda: None).answer(PATH) is not None
