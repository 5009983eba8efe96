"""Two operators, one writer: who holds the lease; what happens when it dies, leaves, or is cut off."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.harness.api import ApiServer
from e2e.harness.fault_proxy import FaultProxy
from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.kubectl import Kubectl
from e2e.harness.local_operator import LocalOperator, Nursery, nursery
from e2e.harness.rehearsal import OPERATOR_USER
from e2e.harness.room import Room
from e2e.harness.settings import LOCAL_SETTINGS
from e2e.harness.stage import UNSCHEDULED, Stage

ROOT = Path(__file__).parent.parent


@dataclass
class Candidate:
    """One of two operators, behind a proxy of its own that knows its writes."""

    proxy: FaultProxy
    operator: LocalOperator

    @property
    def leads(self) -> bool:
        """Whether it wrote the lease last (a standby only reads it)."""
        own = [call for call in self.proxy.calls if call.lease and call.method != "GET"]
        return bool(own) and time.time() - own[-1].at < 5


@dataclass
class Pair:
    """Two candidates and a CR whose replicas are changed to see who acts."""

    room: Room
    candidates: list[Candidate]

    def leader(self) -> tuple[Candidate, Candidate]:
        """The one that writes, and the other; waits until it is clear."""
        until = time.monotonic() + 40
        while time.monotonic() < until:
            leading = [c for c in self.candidates if c.operator.alive and c.leads]
            if len(leading) == 1:
                return leading[0], next(c for c in self.candidates if c is not leading[0])
            time.sleep(0.1)
        raise AssertionError("nobody became the leader")

    def ask_for(self, replicas: int) -> None:
        """Want a size."""
        self.room.deploy("model", "s3://models/staged/first", minReplicas=replicas, **UNSCHEDULED)

    def seconds_until(self, replicas: int, begin: float) -> float:
        """When the size is reached, counted from `begin` (monotonic)."""
        self.room.wait("model", f"{replicas} pods", lambda body: body["status"].get("readyReplicas") == replicas)
        return time.monotonic() - begin

    def revive(self, candidate: Candidate) -> None:
        """Start a dead one again and wait until it stands by."""
        begin = len(candidate.proxy.calls)
        candidate.operator.start(MOORAGE_NAMESPACE="moorage-system")
        until = time.monotonic() + 20
        while not any(call.lease for call in candidate.proxy.calls[begin:]):
            assert time.monotonic() < until, "the operator did not look at the lease"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def pair(
    api: ApiServer, kubectl: Kubectl, operator: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with ExitStack() as stack:
        stack.enter_context(operator.away())
        parent = stack.enter_context(nursery(ROOT))
        room = Room(api, kubectl, "election")
        stack.callback(room.close)
        stack.callback(Stage(api, room.namespace).close)
        made = Pair(room, [])
        made.ask_for(1)
        for name in ("one", "two"):
            made.candidates.append(candidate(api, parent, tmp_path_factory.mktemp(name), room.namespace, stack))
            made.revive(made.candidates[-1])
        room.wait_steady("model", seconds=60)
        yield made
        room.check_honest()


def candidate(api: ApiServer, parent: Nursery, folder: Path, namespace: str, stack: ExitStack) -> Candidate:
    """One operator, not started yet."""
    proxy = stack.enter_context(FaultProxy(api.access, user=OPERATOR_USER))
    settings = {**LOCAL_SETTINGS, "watchNamespaces": [namespace], "election": {"enabled": True}}
    made = LocalOperator(parent, folder, proxy.url, settings)
    stack.callback(made.kill)
    return Candidate(proxy, made)


def test_one_writes(pair: Pair) -> None:
    leader, standby = pair.leader()
    begin = time.time()
    pair.ask_for(2)
    pair.seconds_until(2, time.monotonic())
    assert leader.proxy.writes_since(begin)
    assert standby.proxy.writes_since(begin) == []


def test_leader_killed(pair: Pair, figures: Figures) -> None:
    leader, standby = pair.leader()
    leader.operator.kill()
    begin = time.monotonic()
    pair.ask_for(1)
    figures.at_most("leader kill -9 -> the other one acts", pair.seconds_until(1, begin), 20.0)
    assert standby.proxy.writes_since(time.time() - 20)
    pair.revive(leader)


def test_leader_leaves(pair: Pair, figures: Figures) -> None:
    leader, standby = pair.leader()
    leader.operator.signal(signal.SIGTERM)
    begin, at = time.monotonic(), time.time()
    pair.ask_for(2)
    gone = leader.operator.wait_gone(10)
    figures.at_most("SIGTERM -> the operator has ended", gone, 3.0)
    figures.at_most("leader SIGTERM -> the other one acts", pair.seconds_until(2, begin), 3.0)
    assert standby.proxy.writes_since(at)
    assert [call for call in leader.proxy.writes_since(at) if call.at > at + gone] == []
    pair.revive(leader)


def test_leader_cut_off(pair: Pair, figures: Figures) -> None:
    """A leader that cannot reach the API server must not write when it can again: somebody else leads by then."""
    leader, standby = pair.leader()
    leader.proxy.go_away()
    begin = time.monotonic()
    pair.ask_for(1)
    pair.seconds_until(1, begin)
    back = time.time()
    leader.proxy.come_back()
    pair.ask_for(2)
    pair.seconds_until(2, time.monotonic())
    time.sleep(3)
    doubled = len(leader.proxy.writes_since(back))
    figures.at_most("writes of a leader that was cut off and came back", doubled, 0, "")
    assert standby.proxy.writes_since(back)
