"""Elections over a Lease in memory, on clocks that the tests turn by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from moorage_operator.cluster.lease import LeaseRecord
from moorage_operator.cluster.server import ApiError
from moorage_operator.election import Election, NotLeading


@dataclass
class Lease:
    """One Lease with optimistic locking, as the API server keeps it. `away`: every call fails."""

    record: LeaseRecord | None = None
    away: bool = False
    writes: int = 0

    async def read(self) -> LeaseRecord | None:
        if self.away:
            raise ApiError(0, "NoAnswer", "connection refused")
        return self.record

    async def take(self, previous: LeaseRecord | None, holder: str) -> LeaseRecord:
        if self.away:
            raise ApiError(0, "NoAnswer", "connection refused")
        if previous != self.record:
            raise ApiError(409, "Conflict", "the object has been modified")
        self.writes += 1
        self.record = LeaseRecord(holder, f"renewed {self.writes}", None, 0, str(self.writes))
        return self.record


@dataclass
class Candidate:
    lease: Lease
    name: str
    now: float = 0.0
    lost: int = 0
    won: int = 0
    election: Election = field(init=False)

    def __post_init__(self) -> None:
        self.election = Election(self.lease, self.name, on_won=self._win, on_lost=self._lose, clock=lambda: self.now)

    def _lose(self) -> None:
        self.lost += 1

    def _win(self) -> None:
        self.won += 1

    async def at(self, now: float) -> bool:
        self.now = now
        await self.election.step()
        return self.leads()

    def leads(self) -> bool:
        try:
            return self.election.gate() > 0
        except NotLeading:
            return False


@pytest.fixture
def lease() -> Lease:
    return Lease()


async def test_the_first_candidate_leads_and_the_second_does_not(lease: Lease) -> None:
    a, b = Candidate(lease, "a"), Candidate(lease, "b")
    assert await a.at(0)
    assert not await b.at(0)
    assert (a.won, b.won) == (1, 0)


async def test_nobody_may_write_before_the_first_step(lease: Lease) -> None:
    with pytest.raises(NotLeading):
        Candidate(lease, "a").election.gate()


async def test_a_dead_leader_is_replaced_after_one_duration_and_not_before(lease: Lease) -> None:
    a, b = Candidate(lease, "a"), Candidate(lease, "b")
    await a.at(0)
    await b.at(1)
    assert not await b.at(15.9)
    assert await b.at(16)


async def test_a_renewing_leader_is_never_replaced(lease: Lease) -> None:
    a, b = Candidate(lease, "a"), Candidate(lease, "b")
    for now in range(0, 120, 2):
        assert await a.at(now)
        assert not await b.at(now + 1)


async def test_clocks_that_disagree_do_not_matter(lease: Lease) -> None:
    a, b = Candidate(lease, "a"), Candidate(lease, "b")
    for now in range(0, 120, 2):
        assert await a.at(now)
        assert not await b.at(now + 100_000)


async def test_a_stopped_leader_may_not_write_when_it_wakes(lease: Lease) -> None:
    a = Candidate(lease, "a")
    await a.at(0)
    a.now = 9.9
    assert a.leads()
    a.now = 10
    assert not a.leads()


async def test_a_write_gets_only_the_time_that_the_lease_still_covers(lease: Lease) -> None:
    a = Candidate(lease, "a")
    await a.at(0)
    a.now = 9
    assert a.election.gate() == 15 - 9 - 1


async def test_a_leader_that_was_replaced_is_told_so(lease: Lease) -> None:
    a, b = Candidate(lease, "a"), Candidate(lease, "b")
    await a.at(0)
    await b.at(0)
    await b.at(15)
    assert not await a.at(30)
    assert a.lost == 1


async def test_an_api_server_that_is_away_pauses_the_leader_and_ends_nothing(lease: Lease) -> None:
    a, b = Candidate(lease, "a"), Candidate(lease, "b")
    await a.at(0)
    await b.at(0)
    lease.away = True
    for now in range(2, 40, 2):
        await a.at(now)
        await b.at(now)
    assert not a.leads()
    lease.away = False
    assert not await b.at(40), "who could not look must watch for a whole duration again"
    assert await a.at(40)
    assert (a.lost, a.won) == (0, 2)


async def test_a_released_lease_is_taken_at_once(lease: Lease) -> None:
    a, b = Candidate(lease, "a"), Candidate(lease, "b")
    await a.at(0)
    await b.at(0)
    await a.election.release()
    assert not a.leads()
    assert await b.at(2)


async def test_of_two_that_try_at_once_one_leads(lease: Lease) -> None:
    a, b = Candidate(lease, "a"), Candidate(lease, "b")
    before = lease.record
    await a.at(0)
    with pytest.raises(ApiError):
        await lease.take(before, "b")
    assert not await b.at(0)


async def test_a_release_without_the_lease_writes_nothing(lease: Lease) -> None:
    a, b = Candidate(lease, "a"), Candidate(lease, "b")
    await a.at(0)
    await b.election.release()
    assert lease.writes == 1
