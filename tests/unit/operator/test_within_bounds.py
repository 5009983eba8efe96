"""A status is told without what the API server would refuse of it, and with all the rest."""

from __future__ import annotations

from typing import Any

import pytest

from moorage_operator.api.model_deployment import ModelDeploymentStatus
from moorage_operator.judge.within_bounds import within_bounds

JUDGEMENT = {"verdict": "Pass", "at": "2026-01-01T00:00:00Z"}
ROLLOUT = {"phase": "Progressing", "since": "2026-01-01T00:00:00Z", "step": 1, "judgement": JUDGEMENT}
GOOD: dict[str, Any] = {"observedGeneration": 1, "version": "1", "rollout": ROLLOUT, "replicas": 2}
TOO_BIG = {**JUDGEMENT, "checks": [{"name": "bytes", "verdict": "Fail", "candidate": 1e300}]}
RETIRING = {"revision": "a", "since": "2026-01-01T00:00:00Z"}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing is wrong": (GOOD, GOOD),
    "a number": (
        {**GOOD, "rollout": {**ROLLOUT, "judgement": TOO_BIG}},
        {**GOOD, "rollout": {key: ROLLOUT[key] for key in ("phase", "since", "step")}},
    ),
    "a text of the rollout": ({**GOOD, "rollout": {**ROLLOUT, "totals": "x" * 40000}}, GOOD),
    "a list": ({**GOOD, "retiring": [RETIRING] * 65}, GOOD),
    "two of them": ({**GOOD, "retiring": [RETIRING] * 65, "url": "x" * 5000}, GOOD),
    "what must be there": ({**GOOD, "rollout": {"phase": "Steady"}}, {**GOOD, "rollout": None}),
}


@pytest.mark.parametrize("title", CASES)
def test_what_is_beyond_the_bounds_is_left_out(title: str) -> None:
    status, expected = CASES[title]
    told = within_bounds(status)
    ModelDeploymentStatus.model_validate(told)
    assert told == {key: value for key, value in expected.items() if value is not None}
