"""Real pods, users who ask all the time, an operator that dies at every write of a whole rollout: no user notices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.harness import zoo
from e2e.harness.api import ApiServer, Object
from e2e.harness.fault_proxy import FaultProxy, When
from e2e.harness.figures import Figures
from e2e.harness.history import History
from e2e.harness.installed import Installed
from e2e.harness.kstatus import condition
from e2e.harness.laws import broken_laws
from e2e.harness.local_operator import LocalOperator, nursery
from e2e.harness.models import Store
from e2e.harness.patrol import Patrol
from e2e.harness.reaper import Reaper
from e2e.harness.room import Room
from e2e.harness.settings import LOCAL_SETTINGS
from e2e.harness.traffic import Traffic

ROOT = Path(__file__).parent.parent
NAME = "cancer"
RATE = 50
ENDS = 240.0
ROLLOUT = {
    "steps": [{"trafficPercent": 25, "hold": "2s"}, {"trafficPercent": 50, "hold": "2s"}],
    "scaleDownDelay": "1s",
    "maxHold": "5m",
    "analysis": {"interval": "1s", "minSamples": 20, "warmUp": "0s"},
}


@dataclass(frozen=True)
class Scene:
    """A deployment whose operator is this machine's own, behind a proxy."""

    room: Room
    store: Store
    proxy: FaultProxy
    operator: LocalOperator
    traffic: Traffic

    def bring(self, version: str) -> None:
        """Ask for this version."""
        model = {"secretName": "model-store"}
        self.room.deploy(NAME, self.uri(version), model=model, minReplicas=2, rollout=ROLLOUT)

    def uri(self, version: str) -> str:
        return f"s3://models/{self.room.namespace}/{version}"

    def publish(self, version: str, files: dict[str, bytes]) -> None:
        """Lay a version's files into the store."""
        self.store.put(f"{self.room.namespace}/{version}", files)

    def users(self, stack: ExitStack) -> Patrol:
        """Users until the test is over."""
        patrol = self.traffic.patrol(NAME, self.room.namespace, rate=RATE, seconds=ENDS + 60)
        stack.callback(patrol.process.kill)
        return patrol


@pytest.fixture
def scene(
    room: Room,
    operator: Installed,
    store: Store,
    store_keys: dict[str, str],
    traffic: Traffic,
    api: ApiServer,
    tmp_path: Path,
) -> Iterator[Scene]:
    with ExitStack() as stack:
        stack.enter_context(operator.away())
        parent = stack.enter_context(nursery(ROOT))
        proxy = stack.enter_context(FaultProxy(api.access))
        settings = {**LOCAL_SETTINGS, "watchNamespaces": [room.namespace]}
        local = LocalOperator(parent, tmp_path / "operator", proxy.url, settings)
        stack.callback(local.kill)
        local.start()
        room.secret("model-store", store_keys)
        yield Scene(room, store, proxy, local, traffic)


@pytest.mark.parametrize("fate", ["promoted", "rolled back"])
def test_operator_dies_at_every_write(fate: str, scene: Scene, figures: Figures) -> None:
    room, bad = scene.room, fate == "rolled back"
    scene.publish("first", zoo.good())
    scene.publish("second", zoo.animals()["fails always"].files() if bad else zoo.good())
    scene.bring("first")
    first = room.wait_steady(NAME, seconds=90)["status"]["version"]
    with ExitStack() as stack:
        history = History(room.api, room.namespace)
        stack.callback(history.close)
        patrol = scene.users(stack)
        reaper = stack.enter_context(Reaper(scene.operator, room.namespace))
        scene.proxy.rule = reaper.rule
        begin = time.monotonic()
        scene.bring("second")
        told = room.wait(NAME, fate, lambda body: ended(body, first, bad=bad), ENDS)
        figures.at_most(f"killed at every write, {fate}: until it has ended", time.monotonic() - begin, ENDS)
        scene.proxy.rule = None
        answers = patrol.stop()
    print(*answers.failures, dict(reaper.kills), sep="\n")
    kills = sum(reaper.kills.values())
    figures.at_most(f"killed {kills} times, {fate}: failed of {answers.sent} requests", answers.failed, 0, "")
    assert kills >= 20
    for what in ("configmaps", "services", "deployments", "status"):
        assert {side for key, side in reaper.kills if what in key} == {When.BEFORE, When.AFTER}, what
    assert set(answers.versions) <= {first, told["status"]["model"]["version"]}
    assert answers.versions[first].wrong == 0
    assert history.torn == []
    assert broken_laws(history.entries(), NAME) == []


def ended(body: Object, first: str, *, bad: bool) -> bool:
    """Whether the second version serves and nothing is under way; or was found bad, and the first one serves."""
    status, generation = body.get("status") or {}, body["metadata"]["generation"]
    if condition(body, "Stalled" if bad else "Ready").get("observedGeneration") != generation:
        return False
    settled = condition(body, "Reconciling").get("status") == "False" and not status.get("candidate")
    failed = [each["reason"] for each in status.get("failed", [])]
    served = status.get("version")
    return settled and (
        (failed == ["CandidateErrors"] and served == first) if bad else (not failed and served != first)
    )
