"""Cache entries are named by their inputs, whole or absent, and few."""

import os
from pathlib import Path

import pytest
from e2e.cluster.cache import KEPT_PER_NAME, Cache, _remove, fingerprint


def _writes(text: str):  # type: ignore[no-untyped-def]
    return lambda target: target.write_text(text)


def test_every_input_changes_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = fingerprint("flags", tmp_path)

    (tmp_path / "a").write_text("2")
    changed = fingerprint("flags", tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    renamed = fingerprint("flags", tmp_path)

    assert len({first, changed, renamed, fingerprint("other", tmp_path)}) == 4


def test_neighbouring_inputs_do_not_run_together() -> None:
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


def test_compiled_python_is_no_input(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("x = 1")
    before = fingerprint(tmp_path)

    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "module.pyc").write_bytes(b"anything")

    assert fingerprint(tmp_path) == before


def test_an_entry_is_made_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    cache.make("images/a", "0" * 16, _writes("first"))
    entry = cache.make("images/a", "0" * 16, _writes("second"))

    assert entry.read_text() == "first"


def test_a_failed_making_leaves_nothing(tmp_path: Path) -> None:
    def fails(target: Path) -> None:
        target.write_text("half")
        raise RuntimeError("disk full")

    cache = Cache(tmp_path)
    with pytest.raises(RuntimeError, match="disk full"):
        cache.make("images/a", "0" * 16, fails)

    assert not cache.has("images/a", "0" * 16)
    assert list((tmp_path / "images").iterdir()) == []


def test_the_entries_unused_for_longest_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    keys = [f"{number:016x}" for number in range(KEPT_PER_NAME)]
    for age, key in enumerate(keys):
        entry = cache.make("tars/a", key, _writes(key))
        os.utime(entry, (1000 + age, 1000 + age))
    os.utime(cache.path("tars/a", keys[0]), (5000, 5000))

    cache.make("tars/a", "f" * 16, _writes("newest"))

    assert cache.has("tars/a", keys[0])
    assert not cache.has("tars/a", keys[1])
    assert cache.has("tars/a", "f" * 16)


def test_what_was_used_lately_stays_however_many_there_are(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for number in range(KEPT_PER_NAME + 3):
        cache.make("tars/a", f"{number:016x}", _writes("x"))

    assert len(list((tmp_path / "tars").iterdir())) == KEPT_PER_NAME + 3


def test_two_runs_may_forget_the_same_entry(tmp_path: Path) -> None:
    entry = tmp_path / "a-0"
    entry.mkdir()

    _remove(entry)
    _remove(entry)

    assert list(tmp_path.iterdir()) == []


def test_another_name_with_the_same_beginning_is_not_touched(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    other = cache.make("tars/a-b", "0" * 16, _writes("other"))
    os.utime(other, (1, 1))
    for number in range(KEPT_PER_NAME + 2):
        os.utime(cache.make("tars/a", f"{number:016x}", _writes("x")), (1000, 1000))

    assert other.exists()
    assert len(list((tmp_path / "tars").iterdir())) == KEPT_PER_NAME + 1
