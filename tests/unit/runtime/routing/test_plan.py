"""Shares: exact by turns, lasting by key, growing only."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.config import Compare, Route, RouteTable, Shield
from moorage_runtime.routing.buckets import BUCKETS, Turns, bucket
from moorage_runtime.routing.plan import Plan, plan
from moorage_runtime.routing.validity import obstacle

STABLE = Route(version="1", role="stable", weight=100, address="s:80")
HERE = "abc"


def table(generation: int = 1, **revisions: Route) -> RouteTable:
    return RouteTable(generation=generation, revisions={HERE: STABLE, **revisions})


def candidate(weight: int) -> Route:
    return Route(version="2", role="candidate", weight=weight, address="c:80")


def arm(name: str, weight: int) -> Route:
    return Route(version=name, role="arm", arm=name, weight=weight, address="a:80")


def test_a_bucket_is_what_the_documents_say() -> None:
    raw = blake2b(b"exp-1\x00user-7", digest_size=8).digest()
    assert bucket("exp-1", b"user-7") == int.from_bytes(raw, "big") % 10_000 == 5535


def test_keys_spread_evenly() -> None:
    tenths = Counter(bucket("s", b"%d" % key) // 1000 for key in range(20_000))
    assert all(abs(count - 2000) < 4 * 2000**0.5 for count in tenths.values())


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 99), st.integers(100, 3000))
def test_turns_are_exact_even_in_short_stretches(start: float, percent: int, count: int) -> None:
    turns = Turns(start)
    drawn = sum(turns.next() < percent / 100 for _ in range(count))
    assert abs(drawn - count * percent / 100) <= 6


@given(st.integers(0, 100), st.integers(0, 100), st.binary(max_size=20), st.text(max_size=5))
def test_who_has_gone_over_stays_there_while_a_ramp_grows(one: int, two: int, key: bytes, salt: str) -> None:
    small, large = sorted((one, two))
    plans = [
        plan(RouteTable(generation=1, revisions={HERE: STABLE, "c": candidate(weight)}, salt=salt), HERE)
        for weight in (small, large)
    ]
    before, after = (each.of_key(key) for each in plans)
    assert before is None or after == "c"
    assert (before == "c") == (bucket(salt, key) < 100 * small)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=3), st.integers(0, 10))
def test_every_share_is_as_large_as_its_weight(weights: list[int], ramp: int) -> None:
    arms = {f"r{index}": arm(chr(122 - index), weight) for index, weight in enumerate(weights)}
    made = plan(table(1, **arms, c=candidate(ramp)), HERE)
    counts = Counter(made.of_bucket(number) for number in range(BUCKETS))
    assert counts["c"] == 100 * ramp
    assert [counts[name] for name in arms] == [100 * weight for weight in weights]
    # In the order of the arms' names, the candidate behind them.
    order = list(dict.fromkeys(made.of_bucket(number) for number in range(BUCKETS)))
    named = [name for name in reversed(arms) if counts[name]]
    assert [each for each in order if each] == [*named, *(["c"] if ramp else [])]


@pytest.mark.parametrize("role", ["candidate", "shadow", "arm"])
def test_who_is_on_trial_passes_nothing_on(role: str) -> None:
    me = Route(version="2", role=role, arm="x", weight=50, address="c:80")
    assert not plan(RouteTable(generation=1, revisions={"s": STABLE, HERE: me}), HERE).splits


def test_an_arm_that_does_not_answer_keeps_its_clients_from_moving() -> None:
    both = plan(table(b=arm("b", 20), c=arm("c", 30), d=candidate(5)), HERE)
    silent = Route(version="b", role="arm", arm="b", weight=20)
    alone = plan(table(b=silent, c=arm("c", 30), d=candidate(5)), HERE)
    assert [alone.of_bucket(number) for number in range(BUCKETS)] == [
        both.of_bucket(number) for number in range(BUCKETS)
    ]
    assert obstacle(alone.table, 0) is None
    assert (both.named("b"), alone.named("b")) == ("b", None)


@pytest.mark.parametrize("role", ["candidate", "retiring"])
def test_the_arms_clients_get_their_arm_wherever_they_come_in(role: str) -> None:
    me = Route(version="2", role=role, weight=50 if role == "candidate" else 0, address="c:80")
    made = plan(RouteTable(generation=1, revisions={"s": STABLE, HERE: me, "b": arm("b", 20)}), HERE)
    assert (made.of_bucket(1999), made.of_bucket(2000)) == ("b", None)
    assert made.heir == ("s" if role == "retiring" else None)


def test_who_retires_or_is_not_there_passes_all_to_the_stable_one() -> None:
    retiring = Route(version="0", role="retiring")
    assert plan(RouteTable(generation=1, revisions={HERE: retiring, "s": STABLE}), HERE).heir == "s"
    assert plan(RouteTable(generation=1, revisions={"s": STABLE}), HERE).heir == "s"
    unreachable = Route(version="1", role="stable", weight=100)
    assert not plan(RouteTable(generation=1, revisions={"s": unreachable}), HERE).splits


def test_copies_go_to_the_shadow_and_else_to_the_candidate() -> None:
    shadow = Route(version="3", role="shadow", address="h:80")
    both = RouteTable(generation=1, revisions={HERE: STABLE, "c": candidate(5), "h": shadow}, shadow_percent=20)
    assert (plan(both, HERE).shadow, plan(both, HERE).shadow_fraction) == ("h", 0.2)
    alone = RouteTable(generation=1, revisions={HERE: STABLE, "c": candidate(0)}, shadow_percent=20)
    assert plan(alone, HERE).shadow == "c"
    assert plan(table(h=shadow), HERE).shadow is None


def test_names_are_looked_for_in_order() -> None:
    same = Route(version="1", role="candidate", weight=5, address="c:80")
    made: Plan = plan(table(c=same, stable=arm("candidate", 5)), HERE)
    assert made.named("1") == HERE
    assert made.named("stable") == "stable"
    assert made.named("candidate") == "c"
    assert made.named("nobody") is None
    assert plan(table(c=Route(version="2", role="candidate")), HERE).named("candidate") is None


WRONG = {
    "generation": table(0),
    "role": table(c=Route(version="2", role="king")),
    "weight": table(c=candidate(101)),
    "weights": table(c=candidate(60), a=arm("a", 50)),
    "no address": table(c=Route(version="2", role="candidate", weight=5)),
    "address": table(c=Route(version="2", role="candidate", address="c:80/path")),
    "port": table(c=Route(version="2", role="candidate", address="c:99999")),
    "two candidates": table(c=candidate(5), d=candidate(5)),
    "two arms": table(c=arm("a", 5), d=arm("a", 5)),
    "no arm": table(c=Route(version="2", role="arm", weight=5, address="c:80")),
    "header": RouteTable(generation=1, revisions={}, key_header="a b"),
    "shadow": RouteTable(generation=1, revisions={}, shadow_percent=101),
    "patience": RouteTable(generation=1, revisions={}, shield=Shield(patience_seconds=0)),
    "percent": RouteTable(generation=1, revisions={}, compare=Compare(percent=-1)),
    "tolerance": RouteTable(generation=1, revisions={}, compare=Compare(tolerance=-1)),
    "top_k": RouteTable(generation=1, revisions={}, compare=Compare(top_k=0)),
    "concurrency": RouteTable(generation=1, revisions={}, compare=Compare(concurrency=0)),
    "queue": RouteTable(generation=1, revisions={}, compare=Compare(queue=-1)),
    "many": RouteTable(generation=1, revisions={str(number): STABLE for number in range(65)}),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_told_with_its_path(name: str) -> None:
    told = obstacle(WRONG[name], 0)
    assert told is not None
    assert ": " in told


def test_what_can_be_meant_is_followed_unless_it_is_older() -> None:
    good = table(5, c=candidate(40), a=arm("a", 60))
    assert obstacle(good, 0) is obstacle(good, 5) is None
    assert obstacle(good, 6) == "generation: 5 is older than 6, which is in force"
