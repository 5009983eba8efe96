"""Records of a judgement: what pods counted, what follows from it, and what the next look must know of this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from moorage_runtime.config import PodReport


class Verdict(StrEnum):
    """What one look, or one check of it, comes to."""

    PASS = "Pass"  # noqa: S105 - no password
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison with the numbers that led to its verdict.

    `candidate`, `stable`, `limit`: in the unit of the check (shares between 0 and 1, seconds, or the number that a
    metric gave); None where there is none. `samples`: requests, or answers, that it rests on. `reason`: the word for a
    Fail. `final`: a Fail that needs no second look.
    """

    name: str
    verdict: Verdict
    candidate: float | None = None
    stable: float | None = None
    limit: float | None = None
    samples: int = 0
    message: str = ""
    reason: str | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """One look at a candidate.

    `reason`: the word for a Fail. `failures`: looks in a row that came to Fail, this one included. `abort`: the
    candidate is to be rolled back now. `samples`: a few answers that differed, without inputs.
    """

    verdict: Verdict
    at: datetime
    checks: tuple[Check, ...] = ()
    reason: str | None = None
    message: str = ""
    failures: int = 0
    abort: bool = False
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What a candidate is held to, in seconds and in shares between 0 and 1.

    `compare_share`: of the candidate's answers that are compared; 0: none, and none are asked for. `judges`: metrics
    and webhooks that have a say.
    """

    interval: float = 10.0
    min_samples: int = 200
    warm_up: float = 5.0
    max_error_rate: float = 0.01
    max_latency_ratio: float = 1.5
    latency_quantile: float = 0.95
    max_disagreement: float = 0.10
    failure_limit: int = 2
    compare_share: float = 1.0
    judges: int = 0


class Tally(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What one side did in one window. `outcomes`, `faults`: requests by outcome, failures by reason. `seconds`: how
    many took how long, between `LATENCY_BOUNDS`, one place more for the rest; empty: none. The other fields are the
    candidate's alone, as in `Forwarded`; `excused`: connections that broke because a pod of it went away.
    """

    outcomes: dict[str, int] = {}
    faults: dict[str, int] = {}
    seconds: tuple[int, ...] = ()
    shielded: int = 0
    held: int = 0
    compared: int = 0
    differed: int = 0
    dropped: int = 0
    copies: int = 0
    excused: int = 0
    slower_seconds: float = 0.0


class Earlier(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What the steps before told of errors. `ratios`: logarithms of the likelihood ratios, one for each alternative;
    empty: none. `failed`, `asked`: requests of both sides; `stable_failed`: of them the stable version's own.
    """

    ratios: tuple[float, ...] = ()
    failed: int = 0
    asked: int = 0
    stable_failed: int = 0


class Totals(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Everything that the next look must know of the looks before, and that survives a restart of the operator.

    `mark`: names the readings that are counted in already, the next ones count from there. `window`: names the step,
    after the candidate's revision; another one counts anew, from `since` on. `stable`, `candidate`: of the whole step.
    `late_stable`, `late_candidate`: of its latest stretch only. `reference`: the stable side before.
    `watched`: since when this candidate has been looked at, over all steps. `pace`: how far beyond the limit its
    latency was in the last moments, in sum; `timed`: looks of this step that told of it. `owed`: requests to come
    before anything passes, because a stretch was seen by nobody. `left`: looks of this step in which clients left the
    candidate more often than stable. `ended`: ends of the candidate's containers from before it had traffic, None where
    nobody noted them.
    """

    mark: str = ""
    window: str = ""
    since: datetime | None = None
    failures: int = 0
    stable: Tally = Tally()
    candidate: Tally = Tally()
    late_stable: Tally = Tally()
    late_candidate: Tally = Tally()
    reference: Tally = Tally()
    watched: datetime | None = None
    pace: float = 0.0
    timed: int = 0
    earlier: Earlier = Earlier()
    owed: int = 0
    left: int = 0
    ended: tuple[str, ...] | None = None

    @property
    def candidate_revision(self) -> str:
        """Whose totals they are; empty before the first step."""
        return self.window.partition(" ")[0]

    def text(self) -> str:
        """As the status keeps it."""
        return msgspec.json.encode(self).decode()


def read_totals(text: str | None) -> Totals:
    """The totals of a status; what cannot be read (of another release) counts as none, so that counting begins anew."""
    try:
        return msgspec.json.decode(text or "", type=Totals)
    except (msgspec.DecodeError, UnicodeError):
        return Totals()


@dataclass(frozen=True, slots=True)
class Reading:
    """One running pod, read at `at`. `uid`: of the pod. `report`: None when it gave none in time."""

    pod: str
    uid: str
    revision: str
    at: datetime
    report: PodReport | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """What the pods of one deployment just told, and what they had told under earlier marks.

    `mark`: names `now`, as `Totals.mark` will. `before`: earlier readings by their mark. `opinions`: what judges beside
    the pods say, if they were asked.
    """

    mark: str = ""
    now: tuple[Reading, ...] = ()
    before: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
    opinions: tuple[Check, ...] = ()

    def of(self, revision: str | None) -> tuple[Reading, ...]:
        """The readings of one revision's pods."""
        return tuple(each for each in self.now if each.revision == revision)


@dataclass(frozen=True, slots=True)
class Counted:
    """What the pods that serve have counted of a guest, `at` a moment, since they started: as `GuestCounts`."""

    at: datetime
    requests: int = 0
    failed: int = 0
    shielded: int = 0
    held: int = 0
    compared: int = 0
    differing: int = 0
    dropped: int = 0
    slower_millis: float | None = None
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Crash:
    """A container of the candidate that ended while it was judged. `code`: its exit code."""

    pod: str
    at: datetime
    code: int | None = None
    out_of_memory: bool = False

    @property
    def name(self) -> str:
        """Tells this end from every other, whatever clocks say."""
        return f"{self.pod} {self.at:%Y-%m-%dT%H:%M:%S}"
