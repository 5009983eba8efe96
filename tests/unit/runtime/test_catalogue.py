"""Many models in one process: who answers, who makes room, and what a failing load costs (nothing)."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.artifact import Manifest
from moorage_runtime.engines.engine import Kernel
from moorage_runtime.errors import LoadFault, RequestFault
from moorage_runtime.repository.catalogue import Catalogue
from moorage_runtime.repository.librarian import Bounds, Librarian
from moorage_runtime.repository.served import Served
from moorage_runtime.tensors import TensorSpec
from moorage_runtime.trial import Verdict


class Dead:
    """An engine that only has to exist."""

    def __init__(self) -> None:
        self.platform = "test"
        self.kernel = Kernel("test")
        self.inputs: Mapping[str, TensorSpec] = {}
        self.optional: Mapping[str, TensorSpec] = {}
        self.outputs: Mapping[str, TensorSpec] = {}

    def infer(self, *_: Any) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        return None


def served(name: str, version: str = "1", size: int = 10) -> Served:
    manifest = Manifest(
        uri="file:///x", digest="sha256:0", bytes=size, files=1, model_format="onnx", model_file="m.onnx"
    )
    verdict = Verdict(source="zeros", seconds=1e-5, rows=1)
    return Served(
        name=name, version=version, revision="r", manifest=manifest, engine=Dead(), digest="sha256:0",
        verdict=verdict, load_seconds=0.1, tested_at=0.0,
    )  # fmt: skip


class Shelf:
    """A stock in memory. `versions`: what a load brings; `broken`: names whose load fails."""

    def __init__(self, **versions: str) -> None:
        self.versions = versions
        self.sizes: dict[str, int] = {}
        self.broken: set[str] = set()
        self.loads: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def names(self) -> list[str]:
        return sorted(self.versions)

    def prepare(self, name: str) -> Any:
        shelf = self

        class Ready:
            size = shelf.sizes.get(name, 10)

            def load(self) -> Served:
                shelf.gate.wait(5)
                shelf.loads.append(name)
                if name in shelf.broken:
                    raise LoadFault("ModelLoadFailed", "it is broken")
                return served(name, shelf.versions[name], self.size)

        return Ready()


def test_a_model_is_found_by_name_and_version() -> None:
    catalogue = Catalogue(["fraud"])
    with pytest.raises(RequestFault, match="still loading") as loading:
        catalogue.find("fraud")
    assert loading.value.status == 503
    catalogue.install(served("fraud", "3"))
    assert catalogue.find("fraud", "3") is catalogue.find("fraud")
    for name, version, text in (("other", None, "only the model 'fraud'"), ("fraud", "4", "only version '3'")):
        with pytest.raises(RequestFault, match=text) as missing:
            catalogue.find(name, version)
        assert missing.value.status == 404


def test_a_reload_swaps_and_retires_the_old_one() -> None:
    retired: list[str] = []
    catalogue = Catalogue([], lambda each: retired.append(each.version))
    catalogue.install(served("fraud", "1"))
    before = catalogue.changes
    catalogue.install(served("fraud", "2"))
    assert catalogue.find("fraud").version == "2"
    assert retired == ["1"]
    assert catalogue.changes > before


def test_followers_hear_of_every_step() -> None:
    heard: list[int] = []
    catalogue = Catalogue([])
    catalogue.follow(lambda: heard.append(catalogue.changes))
    catalogue.install(served("fraud", "1"))
    catalogue.open()
    catalogue.drain()
    catalogue.remove("fraud", "unloaded")
    assert heard == [1, 2, 3, 4]


async def test_a_load_that_fails_leaves_the_old_version_and_everybody_else() -> None:
    shelf, catalogue = Shelf(a="1", b="1"), Catalogue([])
    librarian = Librarian(catalogue, shelf, Bounds(models=2))
    for name in ("a", "b"):
        await librarian.load(name)
    shelf.versions["a"] = "2"
    shelf.broken.add("a")
    with pytest.raises(LoadFault, match="broken"):
        await librarian.load("a")
    assert [catalogue.find(name).version for name in ("a", "b")] == ["1", "1"]
    assert next(row.reason for row in catalogue.index() if row.name == "a") == "ModelLoadFailed: it is broken"
    shelf.broken.clear()
    await librarian.load("a")
    assert catalogue.find("a").version == "2"
    assert {row.reason for row in catalogue.index()} == {""}


def counting() -> Callable[[], float]:
    """A clock that moves on whenever it is looked at."""
    return itertools.count(1.0).__next__


async def test_the_one_asked_longest_ago_makes_room_and_comes_back_when_asked() -> None:
    shelf, catalogue = Shelf(a="1", b="1", c="1"), Catalogue([], clock=counting())
    librarian = Librarian(catalogue, shelf, Bounds(models=2))
    for name in ("a", "b"):
        await librarian.load(name)
    catalogue.find("a").used = 100.0
    await librarian.load("c")
    assert sorted(each.name for each in catalogue.served) == ["a", "c"]
    assert [row.reason for row in catalogue.index() if row.name == "b"] == ["evicted"]
    with pytest.raises(RequestFault) as refused:
        catalogue.find("b")
    assert (refused.value.status, refused.value.headers) == (503, ((b"retry-after", b"1"),))
    await librarian.settled()
    assert sorted(each.name for each in catalogue.served) == ["a", "b"]


async def test_what_was_just_loaded_is_not_the_next_to_make_room() -> None:
    shelf, catalogue = Shelf(a="1", b="1", c="1"), Catalogue([], clock=counting())
    librarian = Librarian(catalogue, shelf, Bounds(models=2))
    await librarian.load("a")
    catalogue.find("a").used = 1.5
    for name in ("b", "c"):
        await librarian.load(name)
    assert sorted(each.name for each in catalogue.served) == ["b", "c"]
    for name in ("b", "a"):
        await librarian.load(name)
    assert sorted(each.name for each in catalogue.served) == ["a", "b"]


async def test_who_asks_whether_a_model_is_ready_moves_nothing() -> None:
    shelf, catalogue = Shelf(a="1", b="1"), Catalogue([])
    librarian = Librarian(catalogue, shelf, Bounds(models=1))
    for name in ("a", "b"):
        await librarian.load(name)
    assert catalogue.look("a") is None
    assert catalogue.look("b", "1") is catalogue.find("b")
    for name, version in (("nobody", None), ("b", "2")):
        with pytest.raises(RequestFault, match="has only"):
            catalogue.look(name, version)
    await asyncio.sleep(0)
    await librarian.settled()
    assert shelf.loads == ["a", "b"]


async def test_only_a_model_that_may_come_by_itself_is_worth_another_try() -> None:
    shelf, catalogue = Shelf(a="1"), Catalogue(["a"])
    librarian = Librarian(catalogue, shelf, Bounds())
    with pytest.raises(RequestFault) as loading:
        catalogue.find("a")
    assert loading.value.headers == ((b"retry-after", b"1"),)
    shelf.broken.add("a")
    with pytest.raises(LoadFault):
        await librarian.load("a")
    with pytest.raises(RequestFault, match="not loaded: ModelLoadFailed: it is broken") as broken:
        catalogue.find("a")
    assert (broken.value.status, broken.value.headers) == (503, ())


async def test_an_unloaded_model_stays_out_until_it_is_loaded() -> None:
    shelf, catalogue = Shelf(a="1"), Catalogue([])
    librarian = Librarian(catalogue, shelf, Bounds())
    await librarian.load("a")
    await librarian.unload("a")
    with pytest.raises(RequestFault, match="not loaded: unloaded"):
        catalogue.find("a")
    await asyncio.sleep(0)
    assert shelf.loads == ["a"]
    for act in (librarian.load, librarian.unload):
        with pytest.raises(RequestFault, match=r"no model|has only"):
            await act("nobody")


async def test_two_loads_of_one_name_take_turns() -> None:
    shelf, catalogue = Shelf(a="1"), Catalogue([])
    librarian = Librarian(catalogue, shelf, Bounds())
    shelf.gate.clear()
    both = [asyncio.create_task(librarian.load("a")) for _ in range(2)]
    await asyncio.sleep(0.02)
    assert shelf.loads == []
    assert [row.state for row in catalogue.index()] == ["LOADING"]
    shelf.gate.set()
    await asyncio.gather(*both)
    assert shelf.loads == ["a", "a"]


async def test_a_model_larger_than_all_may_be_is_refused_before_it_is_loaded() -> None:
    shelf, catalogue = Shelf(a="1"), Catalogue([])
    shelf.sizes["a"] = 101
    with pytest.raises(LoadFault, match="more than the 100"):
        await Librarian(catalogue, shelf, Bounds(size=100)).load("a")
    assert shelf.loads == []


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=8),
    order=st.lists(st.integers(0, 7), min_size=1, max_size=30),
    models=st.integers(1, 4),
)
def test_the_bounds_hold_after_every_load_and_the_newcomer_always_stays(
    sizes: list[int], order: list[int], models: int
) -> None:
    shelf, catalogue = Shelf(**{f"m{at}": "1" for at in range(len(sizes))}), Catalogue([])
    shelf.sizes = {f"m{at}": size for at, size in enumerate(sizes)}
    librarian = Librarian(catalogue, shelf, Bounds(models=models, size=60))

    async def run() -> None:
        for at in order:
            name = f"m{at % len(sizes)}"
            await librarian.load(name)
            assert catalogue.answers(name)
            assert len(catalogue.served) <= models
            assert catalogue.bytes <= 60

    asyncio.run(run())
