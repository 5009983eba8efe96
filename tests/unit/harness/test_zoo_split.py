"""Every animal that gets as far as users, beside the good version in a real split: nobody gets a failed answer, and the
stable pod reports what it was.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.harness import zoo
from e2e.harness.patrol import SCRIPT, Patrol, Round, plan
from tests.unit.runtime.pod import Pod

from moorage_runtime.config import Compare, Forwarded, Route, RouteTable, Shield, decode_pod_report, encode

ZOO = zoo.animals()
WEIGHT = 100
"""Nothing is left to a draw: a row that is hit is the animal's."""
RATE, SLOW_RATE, SECONDS = 50, 20, 6
HIDDEN = sorted(name for name, animal in ZOO.items() if animal.traffic and "memory" not in name)
"""No process of a test is limited in its memory."""
FAULTS = {
    "crashes on one row in fifty": {"broken"},
    "fails always": {"failed"},
    "fails on 5 % of the rows": {"failed"},
    "gives NaN": {"invalid"},
    "gives another shape": {"invalid"},
    "hangs": {"timeout"},
}
"""What an animal's failures have to be counted as."""

Pair = Callable[[dict[str, bytes]], tuple[Pod, Pod]]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """The good version as 3, stable, and an animal as 4, its candidate."""
    pods: list[Pod] = []

    def one(name: str, files: dict[str, bytes], **configuration: Any) -> Pod:
        folder = tmp_path / name
        folder.mkdir()
        for path, content in files.items():
            (folder / path).write_bytes(content)
        pods.append(Pod(tmp_path / f"{name}-pod", folder.as_uri(), configuration))
        assert pods[-1].download().returncode == 0
        return pods[-1]

    def make(files: dict[str, bytes]) -> tuple[Pod, Pod]:
        stable, candidate = one("good", zoo.good()), one("bad", files, version="4", revision="def")
        routes = {
            "abc": Route(version="3", role="stable", weight=100 - WEIGHT),
            "def": Route(version="4", role="candidate", weight=WEIGHT, address=f"127.0.0.1:{candidate.port}"),
        }
        table = encode(RouteTable(generation=1, revisions=routes, salt="def", shield=Shield(), compare=Compare()))
        for pod in (stable, candidate):
            (pod.routes / "routes.json").write_text(table)
            pod.serve()
        return stable, candidate

    yield make
    for each in pods:
        each.kill()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    for name, source in (("patrol.py", SCRIPT), ("traffic.py", SCRIPT.with_name("traffic_in_pod.py"))):
        (tmp_path / "scripts" / name).write_text(source.read_text())
    return tmp_path / "scripts" / "patrol.py"


def ask(script: Path, pod: Pod, rate: float = RATE) -> Round:
    pipe = subprocess.PIPE
    patrol = Patrol(subprocess.Popen([sys.executable, str(script)], stdin=pipe, stdout=pipe, stderr=pipe, text=True))
    assert patrol.process.stdin is not None
    patrol.process.stdin.write(
        plan("fraud", "127.0.0.1", port=pod.port, grpc_port=pod.grpc_port, rate=rate, seconds=60)
    )
    patrol.process.stdin.flush()
    time.sleep(SECONDS)
    return patrol.stop()


def forwarded(stable: Pod) -> Forwarded:
    report = decode_pod_report(stable.admin("/state")[1])
    assert report is not None
    assert report.generation == 1
    return report.forwarded["def"]


@pytest.mark.parametrize("name", HIDDEN)
def test_the_shield_hides_it_and_the_report_tells_it(name: str, pair: Pair, script: Path) -> None:
    stable, _ = pair(ZOO[name].files())
    answers = ask(script, stable, SLOW_RATE if name == "is ten times slower" else RATE)
    told = forwarded(stable)
    assert (answers.failed, answers.failures) == (0, ())
    assert "3" not in answers.versions or answers.versions["3"].wrong == 0
    assert sum(told.outcomes.values()) > 0, told
    if name in FAULTS:
        assert FAULTS[name] <= {outcome for outcome, count in told.outcomes.items() if count}, told
        assert told.shielded > 0
        assert answers.versions.get("4") is None or answers.versions["4"].wrong == 0
    elif name == "is ten times slower":
        # A busy machine makes it more, a quick one less; the way to another pod alone takes some half a millisecond.
        assert told.slower_seconds / told.compared > 0.004, told
    else:
        assert told.differed > 0, told
        assert told.differed / told.compared == pytest.approx(ZOO[name].share, abs=0.15), told


def test_a_good_candidate_is_told_apart_from_all_of_them(pair: Pair, script: Path) -> None:
    stable, _ = pair(zoo.good())
    answers = ask(script, stable)
    told = forwarded(stable)
    assert (answers.failed, answers.versions["4"].wrong) == (0, 0)
    assert set(told.outcomes) == {"ok"}
    assert (told.shielded, told.held, told.differed) == (0, 0, 0)
    assert told.compared > 0
