"""The operator is killed (-9) before and after every call to the API server; each time it ends in the right state."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.harness.api import ApiServer
from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.kubectl import Kubectl
from e2e.harness.laws import broken_laws
from e2e.harness.local_operator import nursery
from e2e.harness.rehearsal import NAME, Boundary, Outcome, Rehearsal, State, boundaries
from e2e.harness.settings import LOCAL_SETTINGS

WORKERS = 10
"""They mostly wait: what served stands on for ten seconds after each rollout."""
EVERY_READ = bool(os.environ.get("MOORAGE_E2E_EVERY_READ"))
ROOT = Path(__file__).parent.parent
NOTHING, FIRST, SECOND = State(), State("first"), State("second")
WIDE, BAD = State("first", replicas=2), State("bad", instead="first")


@dataclass(frozen=True)
class Scenario:
    """From `here` to `there` and back. `stride`: of the boundaries of either way one in so many is died at, those in
    between on the way back (where both ways are the same work, and before one call is after the one before it).
    `slowest`: seconds that a restarted operator may take to the right state.
    """

    here: State
    there: State
    stride: int = 1
    slowest: float = 10.0


SCENARIOS = {
    "create and delete": Scenario(NOTHING, FIRST),
    "scale": Scenario(FIRST, WIDE),
    "promotion by steps": Scenario(FIRST, SECOND, stride=4, slowest=30.0),
    "rollback": Scenario(FIRST, BAD, stride=2, slowest=30.0),
}


@pytest.fixture(scope="module")
def rehearsals(
    api: ApiServer, kubectl: Kubectl, operator: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Rehearsal]]:
    """Several namespaces, each with its own operator; the one in the cluster is away meanwhile."""
    with ExitStack() as stack:
        stack.enter_context(operator.away())
        parent = stack.enter_context(nursery(ROOT))
        folder = tmp_path_factory.mktemp("operators")
        rooms = [Rehearsal(api, kubectl, parent, folder, LOCAL_SETTINGS) for _ in range(WORKERS)]
        yield [stack.enter_context(room) for room in rooms]


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_every_call(name: str, rehearsals: list[Rehearsal], figures: Figures) -> None:
    scenario = SCENARIOS[name]
    begin = time.monotonic()
    onward, back = traced(scenario, rehearsals)
    with ThreadPoolExecutor(WORKERS) as pool:
        shares = [(room, scenario, onward[i::WORKERS], back[i::WORKERS]) for i, room in enumerate(rehearsals)]
        outcomes = [outcome for share in pool.map(lambda share: play(*share), shares) for outcome in share]
    judge(name, outcomes, figures, scenario.slowest)
    for rehearsal in rehearsals:
        rehearsal.room.check_honest()
        assert not rehearsal.history.torn
        assert broken_laws(rehearsal.history.entries(), NAME) == []
    figures.at_most(f"{name}: time of all kills", time.monotonic() - begin, 240.0)


def traced(scenario: Scenario, rehearsals: list[Rehearsal]) -> tuple[list[Boundary], list[Boundary]]:
    """Every boundary of the way there and of the way back; afterwards all are `here`."""
    leader = rehearsals[0]
    leader.trace(scenario.here)
    onward = boundaries(leader.trace(scenario.there), every_read=EVERY_READ)
    back = boundaries(leader.trace(scenario.here), every_read=EVERY_READ)
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda other: other.arrive(scenario.here), rehearsals[1:]))
    for other in rehearsals[1:]:
        other.expected = leader.expected
    stride = 1 if EVERY_READ else scenario.stride
    return onward[::stride], back[stride // 2 :: stride]


def play(room: Rehearsal, scenario: Scenario, onward: Sequence[Boundary], back: Sequence[Boundary]) -> list[Outcome]:
    """There and back again until every boundary of both ways has had its turn, or one ended wrong.

    A call that did not come this time (there are a few more passes, or fewer) gets a second chance.
    """
    outcomes: list[Outcome] = []
    ways = [(scenario.there, deque(onward)), (scenario.here, deque(back))]
    tried: set[tuple[State, Boundary]] = set()
    while any(waiting for _, waiting in ways):
        for state, waiting in ways:
            boundary = waiting.popleft() if waiting else None
            outcome = room.go(state, boundary)
            if boundary and not outcome.reached and (state, boundary) not in tried:
                tried.add((state, boundary))
                waiting.append(boundary)
                continue
            outcomes.append(outcome)
            if outcome.wrong:
                return outcomes
    return outcomes


def judge(scenario: str, outcomes: list[Outcome], figures: Figures, bar: float) -> None:
    """All in the right state, none slower than the bar, and the kills really happened."""
    kills = [outcome for outcome in outcomes if outcome.reached]
    planned = [outcome.boundary for outcome in outcomes if outcome.boundary]
    wrong = [f"{outcome.boundary}: {outcome.wrong}" for outcome in outcomes if outcome.wrong]
    assert not wrong, f"{len(wrong)} of {len(outcomes)} ended in the wrong state:\n" + "\n".join(wrong[:5])
    missed = len(planned) - len(kills)
    figures.at_most(f"{scenario}: of {len(planned)} planned kills did not come, twice", missed, 0.2 * len(planned), "")
    spared = {kind_of(boundary) for boundary in planned} - {kind_of(o.boundary) for o in kills if o.boundary}
    assert not spared, f"never killed at: {spared}"
    slowest = max(kills, key=lambda outcome: outcome.seconds)
    print(f"{scenario}: slowest was {slowest}")
    figures.at_most(f"{scenario}: slowest of {len(kills)} kills, restart -> right state", slowest.seconds, bar)


def kind_of(boundary: Boundary) -> tuple[str, str]:
    """A boundary without its occurrence: a pass more or less may come, each kind of call has to be died at."""
    return boundary.key, boundary.when
