"""The store in this process: bounded by number, bytes and age; what lies in it never changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from moorage_runtime.caching.memory import MemoryStore, memory_of
from moorage_runtime.caching.store import Outputs
from moorage_runtime.tensors import Array


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def answer(value: float, elements: int = 1) -> dict[str, Array]:
    return {"y": np.full(elements, value)}


def test_an_answer_lives_as_long_as_allowed_and_no_longer() -> None:
    clock = Clock()
    store = MemoryStore(10, 60.0, 1 << 20, clock)
    store.keep("a", answer(1))
    clock.now += 59.999
    assert store.lookup("a") is not None
    clock.now += 0.001
    assert store.lookup("a") is None
    assert (len(store), store.bytes) == (0, 0)


def test_looking_does_not_prolong_keeping_again_does() -> None:
    clock = Clock()
    store = MemoryStore(10, 60.0, 1 << 20, clock)
    store.keep("a", answer(1))
    clock.now += 40
    store.keep("a", answer(2))
    clock.now += 40
    found = store.lookup("a")
    assert found is not None
    assert found["y"].tolist() == [2.0]
    assert len(store) == 1


def test_what_was_not_asked_for_longest_gives_way() -> None:
    store = MemoryStore(2, 60.0, 1 << 20, Clock())
    store.keep("a", answer(1))
    store.keep("b", answer(2))
    store.lookup("a")
    store.keep("c", answer(3))
    assert [key for key in "abc" if store.lookup(key)] == ["a", "c"]
    assert store.evicted == 1


def test_one_larger_than_everything_is_not_kept_and_costs_nobody_his_place() -> None:
    store = MemoryStore(10, 60.0, 4096, Clock())
    store.keep("a", answer(1))
    store.keep("b", answer(2, 1000))
    assert store.lookup("b") is None
    assert store.lookup("a") is not None
    MemoryStore(0, 60.0, 4096, Clock()).keep("a", answer(1))


def test_text_counts_with_its_length() -> None:
    long = {"y": np.array(["x" * 100_000], object)}
    assert 100_000 < memory_of(long) < 102_000
    store = MemoryStore(10, 60.0, 50_000, Clock())
    store.keep("a", long)
    assert len(store) == 0


def test_the_account_is_near_what_python_really_takes() -> None:
    import tracemalloc

    store = MemoryStore(1 << 20, 60.0, 1 << 30, Clock())
    tracemalloc.start()
    for number in range(2000):
        store.keep(f"{number:048x}", {"label": np.array([number]), "probabilities": np.random.random((1, 2))})
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.5 * taken < store.bytes < 2 * taken


def test_a_hit_copies_nothing_and_cannot_be_written_to() -> None:
    store = MemoryStore(10, 60.0, 1 << 20, Clock())
    store.keep("a", answer(1))
    first, second = store.lookup("a"), store.lookup("a")
    assert first is not None
    assert second is not None
    assert first["y"] is second["y"]
    with pytest.raises(ValueError, match="read-only"):
        first["y"][0] = 2
    with pytest.raises(TypeError):
        first["z"] = first["y"]  # type: ignore[index]


def test_a_part_of_a_batch_does_not_keep_the_batch_alive() -> None:
    store = MemoryStore(10, 60.0, 1 << 20, Clock())
    batch = np.zeros((1000, 1000))
    store.keep("a", {"y": batch[:1]})
    found = store.lookup("a")
    assert found is not None
    assert found["y"].base is None
    batch[0, 0] = 7
    assert found["y"][0, 0] == 0


class Model(RuleBasedStateMachine):
    """Whatever happens, the bounds hold, the account is right, and every answer is the last one kept under its key."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = MemoryStore(4, 10.0, 4000, self.clock)
        self.kept: dict[str, tuple[float, float]] = {}
        self.serial = 0.0

    @rule(key=st.sampled_from("abcdefgh"), elements=st.integers(0, 600))
    def keep(self, key: str, elements: int) -> None:
        self.serial += 1
        before = self.store.lookup(key)
        self.store.keep(key, answer(self.serial, elements))
        found = self.store.lookup(key)
        if memory_of(answer(0, elements)) > 4000:
            assert found is before
        else:
            self.kept[key] = (self.serial, self.clock.now + 10.0)
            assert found is not None

    @rule(key=st.sampled_from("abcdefgh"))
    def look(self, key: str) -> None:
        found = self.store.lookup(key)
        if found is not None:
            serial, expires = self.kept[key]
            assert set(found["y"].tolist()) <= {serial}
            assert self.clock.now < expires

    @rule(seconds=st.floats(0, 12))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @precondition(lambda self: len(self.store) > 0)
    @rule()
    def close(self) -> None:
        self.store.close()

    @invariant()
    def bounded(self) -> None:
        entries: list[Outputs] = [entry[2] for entry in self.store._entries.values()]
        assert len(self.store) <= 4
        assert self.store.bytes == sum(map(memory_of, entries)) <= 4000


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
