"""Which ends of a container count as crashes of a version, as the kubelet tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from moorage_operator.api.judgement import Crash
from moorage_operator.observed.crashes import crashes
from moorage_operator.observed.pod import Pod

AT = datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)


def pod(name: str = "server", **states: Any) -> Pod:
    told = {"name": name, **states}
    return Pod({"metadata": {"name": "p", "namespace": "ns"}, "status": {"containerStatuses": [told]}})


def ended(reason: str = "Error", code: int = 139) -> dict[str, Any]:
    return {"terminated": {"reason": reason, "exitCode": code, "finishedAt": "2026-01-01T00:00:07Z"}}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (pod(state={"running": {}}), ()),
        (pod(state={"running": {}}, lastState=ended()), (Crash("p", AT, 139),)),
        (pod(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState=ended()), (Crash("p", AT, 139),)),
        (pod(state=ended("OOMKilled", 137)), (Crash("p", AT, 137, out_of_memory=True),)),
        (pod("sidecar", state={"running": {}}, lastState=ended()), ()),
        (pod(state={"terminated": {"reason": "ContainerStatusUnknown", "exitCode": 137, "finishedAt": None}}), ()),
        (pod(state={"running": {}}, lastState=ended("Unknown", 255)), ()),
        (Pod({"metadata": {"name": "p"}}), ()),
    ],
    ids=[
        "runs",
        "runs again",
        "waits to run again",
        "memory",
        "somebody else's",
        "nobody knows when",
        "node began anew",
        "no status yet",
    ],
)
def test_the_last_end_of_the_serving_container_counts(seen: Pod, expected: tuple[Crash, ...]) -> None:
    assert crashes([seen]) == expected
