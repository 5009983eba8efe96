"""The users of the end-to-end suite count right: every failure, every wrong answer, through every door."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.harness import grafts, zoo
from e2e.harness.patrol import DOORS, SCRIPT, Patrol, Round, plan
from tests.ports import free_port
from tests.unit.runtime.pod import Pod

ZOO = zoo.animals()
Serving = Callable[[dict[str, bytes]], Pod]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """As in the client's pod: both scripts in one folder."""
    (tmp_path / "scripts").mkdir()
    for name, source in (("patrol.py", SCRIPT), ("traffic.py", SCRIPT.with_name("traffic_in_pod.py"))):
        (tmp_path / "scripts" / name).write_text(source.read_text())
    return tmp_path / "scripts" / "patrol.py"


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    """Serves an artifact's files as version 3; ends with the test."""
    pods: list[Pod] = []

    def serve(files: dict[str, bytes]) -> Pod:
        folder = tmp_path / "claim"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        pods.append(Pod(tmp_path / "pod", folder.as_uri(), {}))
        assert pods[-1].download().returncode == 0
        pods[-1].serve()
        return pods[-1]

    yield serve
    for each in pods:
        each.kill()


def walk(script: Path, port: int, grpc_port: int, rate: float, seconds: float) -> Round:
    patrol = Patrol(
        subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": ""},
        )
    )
    assert patrol.process.stdin is not None
    patrol.process.stdin.write(plan("fraud", "127.0.0.1", port=port, grpc_port=grpc_port, rate=rate, seconds=60))
    patrol.process.stdin.flush()
    time.sleep(seconds)
    return patrol.stop()


def asked(round_: Round) -> list[int]:
    return [number % len(zoo.patients()) for number in range(round_.sent)]


def test_the_good_version_answers_everybody_right(serving: Serving, script: Path) -> None:
    pod = serving(zoo.good())
    found = walk(script, pod.port, pod.grpc_port, rate=150, seconds=4)
    assert (found.failed, found.failures) == (0, ())
    assert found.sent > 300
    assert all(found.doors[door]["sent"] > 50 for door in DOORS)
    assert found.versions["3"].wrong == 0
    assert found.versions["3"].count == found.sent


def test_wrong_answers_are_counted_one_by_one(serving: Serving, script: Path) -> None:
    name = "disagrees on 20 % of the rows"
    pod = serving(ZOO[name].files())
    found = walk(script, pod.port, pod.grpc_port, rate=150, seconds=4)
    hits = grafts.hit(zoo.patients(), zoo.spared(), ZOO[name].share)
    assert found.failed == 0
    assert found.versions["3"].wrong == sum(map(int, hits[asked(found)])) > 0


def test_failures_are_counted_one_by_one(serving: Serving, script: Path) -> None:
    name = "fails on 5 % of the rows"
    pod = serving(ZOO[name].files())
    found = walk(script, pod.port, pod.grpc_port, rate=150, seconds=4)
    hits = grafts.hit(zoo.patients(), zoo.spared(), ZOO[name].share)
    assert found.failed == sum(map(int, hits[asked(found)])) > 0
    assert {door: told.get("failed", 0) for door, told in found.doors.items()} == failed_by_door(asked(found), hits)
    assert found.versions["3"].count + found.failed == found.sent
    assert {why(failure) for failure in found.failures} == {("http", "500"), ("grpc", "INTERNAL:")}


def failed_by_door(asked: list[int], hits: Any) -> dict[str, int]:
    found = Counter(DOORS[number % len(DOORS)] for number in asked if hits[number])
    return {door: found[door] for door in DOORS}


def why(failure: dict[str, Any]) -> tuple[str, str]:
    return ("grpc" if failure["door"] == "grpc" else "http"), failure["why"].split()[0]


def test_nobody_there_is_a_failure_each(script: Path) -> None:
    found = walk(script, free_port(), free_port(), rate=100, seconds=1)
    assert found.failed == found.sent > 50
    assert found.versions == {}
    assert all(told["failed"] == told["sent"] > 10 for told in found.doors.values())
    assert all("refused" in failure["why"].lower() for failure in found.failures)
