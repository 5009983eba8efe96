"""The oracles of the end-to-end suite catch what they are there for."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from e2e.harness.fault_proxy import Call, When
from e2e.harness.kstatus import Verdict, verdict
from e2e.harness.rehearsal import ANY, boundaries, differences
from e2e.harness.traffic import Stretch
from e2e.harness.witness import Moment, broken_promises, untruths

READY = {"type": "Ready", "status": "True", "observedGeneration": 2}
CALM = {"type": "Reconciling", "status": "False"}
BUSY = {"type": "Reconciling", "status": "True"}


def body(*conditions: dict[str, Any], named: str = "3", candidate: str | None = None) -> dict[str, Any]:
    """A CR of generation 2 that wants version 3 and names `named`."""
    status = {
        "observedGeneration": 2,
        "version": named,
        "stable": {"version": named},
        "candidate": candidate and {"version": candidate},
        "model": {"storageUri": "models:/m/3"},
        "conditions": list(conditions),
    }
    return {"metadata": {"generation": 2}, "spec": {"model": {"storageUri": "models:/m/3"}}, "status": status}


@pytest.mark.parametrize(
    ("conditions", "observed", "deleted", "told"),
    [
        ([READY, CALM], 2, False, Verdict.CURRENT),
        ([READY, CALM], 1, False, Verdict.IN_PROGRESS),
        ([READY, BUSY], 2, False, Verdict.IN_PROGRESS),
        ([READY, CALM, {"type": "Stalled", "status": "True"}], 2, False, Verdict.FAILED),
        ([{**READY, "status": "False"}], 2, False, Verdict.IN_PROGRESS),
        ([], None, False, Verdict.CURRENT),
        ([], -1, False, Verdict.IN_PROGRESS),
        ([READY], 2, True, Verdict.TERMINATING),
    ],
)
def test_kstatus(conditions: list[dict[str, Any]], observed: int | None, deleted: bool, told: Verdict) -> None:
    judged = body(*conditions)
    judged["status"]["observedGeneration"] = observed
    if deleted:
        judged["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert verdict(judged) is told


def test_an_honest_status_has_no_untruth() -> None:
    assert (
        untruths([Moment(0, body(READY, CALM)), Moment(1, body({**READY, "observedGeneration": 1}, BUSY, named="2"))])
        == []
    )


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (body(READY, CALM, named="2"), "ready for version 3, but names"),
        (body({**READY, "observedGeneration": 1}, CALM), "kstatus says Current"),
    ],
)
def test_a_lie_is_an_untruth(lie: dict[str, Any], words: str) -> None:
    assert words in "".join(untruths([Moment(0, lie)]))


def test_a_stale_lookup_is_an_untruth() -> None:
    stale = copy.deepcopy(body(READY, CALM))
    stale["status"]["model"]["storageUri"] = "models:/m/2"
    assert "looked up models:/m/2" in untruths([Moment(0, stale)])[0]


@pytest.mark.parametrize(
    ("answers", "broken"),
    [
        ([("3", 0.0)], 0),
        ([("3", 0.0), ("2", 5.0), ("3", 6.0)], 1),
        ([("!503", 0.0)], 1),
        ([("2", 0.0), ("3", 1.0)], 0),
        ([("3", 0.0), ("4", 9.0)], 0),
    ],
)
def test_answers_are_held_against_the_claim(answers: list[tuple[str, float]], broken: int) -> None:
    stretches = [Stretch(answer, at, at) for answer, at in answers]
    assert len(broken_promises([Moment(0.0, body(READY, CALM))], stretches, end=10.0)) == broken


def test_both_versions_may_answer_while_changing() -> None:
    moment = Moment(0.0, body(READY, BUSY, candidate="4"))
    assert broken_promises([moment], [Stretch("4", 3.0, 3.0)], end=10.0) == []


def test_a_row_of_reads_is_one_boundary() -> None:
    calls = [call("GET", "a"), call("GET", "b"), call("PATCH", "a"), call("GET", "a")]
    told = [(found.when, found.key, found.occurrence) for found in boundaries(calls)]
    before, after, then = When.BEFORE, When.AFTER, When.NEXT
    assert told == [(before, ANY, 1), (before, "PATCH a", 1), (after, "PATCH a", 1), (then, "PATCH a", 1)]
    assert len(boundaries(calls, every_read=True)) == 2 * len(calls)


def test_differences_name_what_is_missing_too_many_and_changed() -> None:
    assert differences({"a": "1", "b": "2"}, {"a": "1", "b": "2"}) == ""
    assert (
        differences({"a": "1", "b": "2"}, {"b": "3", "c": "4"}) == "missing ['a']; too many ['c']; b is 3, should be 2"
    )


def call(method: str, path: str) -> Call:
    """A call about some model."""
    return Call(0, 0.0, method, path, "n", watch=False, lease=False)
