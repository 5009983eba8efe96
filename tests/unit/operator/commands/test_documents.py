"""YAML with places: what stands where, and what is refused at which line and column."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_operator.commands.documents import Place, Unreadable, read

TWO = """# A comment.
apiVersion: v1
spec:
  env:
  - name: A
    value: "1"
  - {name: B}
---
---
on: 2026-01-01
2: x
"""


def written(folder: Path, text: str | bytes) -> str:
    file = folder / "f.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(file)


def test_every_value_has_its_place(tmp_path: Path) -> None:
    first, second = read(written(tmp_path, TWO))
    assert first.data == {"apiVersion": "v1", "spec": {"env": [{"name": "A", "value": "1"}, {"name": "B"}]}}
    assert first.place(("apiVersion",)) == Place(2, 1)
    assert first.place(("spec", "env", 0)) == Place(5, 5)
    assert first.place(("spec", "env", 0, "value")) == Place(6, 5)
    assert first.place(("spec", "env", 1, "name")) == Place(7, 6)
    assert second.place(("true",)) == Place(10, 1)


def test_what_is_not_there_stands_where_it_is_missing(tmp_path: Path) -> None:
    [document] = read(written(tmp_path, "a: 1\nspec:\n  b: 2\n"))
    assert document.place(("spec", "c", 0, "d")) == Place(2, 1)
    assert document.place(("x",)) == Place(1, 1)


def test_dates_are_text_and_keys_as_well_as_for_kubectl(tmp_path: Path) -> None:
    _, second = read(written(tmp_path, TWO))
    assert second.data == {"true": "2026-01-01", "2": "x"}


def test_a_key_that_stands_twice_is_noted(tmp_path: Path) -> None:
    [document] = read(written(tmp_path, "a: 1\nb: {c: 1, c: 2}\na: 3\n"))
    assert document.repeated == (("b", "c"), ("a",))
    assert document.place(("a",)) == Place(3, 1)


def test_anchors_and_merges_are_followed(tmp_path: Path) -> None:
    [document] = read(written(tmp_path, "a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2\n"))
    assert document.data == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}}


LAUGHTER = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n" for before, after in zip("abcdef", "bcdefg", strict=True)
)
BAD: dict[str, tuple[str | bytes, int, int, str]] = {
    "a tab": ("a:\n\t- b\n", 2, 1, "not YAML: found character '\\t' that cannot start any token"),
    "an open list": ("a: [1, 2\nb: 3\n", 2, 2, "not YAML: expected ',' or ']', but got ':'"),
    "an unknown tag": ("a: !!python/object/apply:os.system [id]\n", 1, 4, "could not determine a constructor"),
    "an alias of itself": ("a: &x [*x]\n", 1, 7, "too deep"),
    "a control character": ("a: \x01\n", 1, 1, "not YAML"),
    "no text at all": (b"\xff\xfe\xfa", 1, 1, "byte 0 is not UTF-8"),
    "laughter": (LAUGHTER, 1, 1, "too large"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, name: str) -> None:
    text, line, column, words = BAD[name]
    with pytest.raises(Unreadable) as refused:
        read(written(tmp_path, text))
    assert words in refused.value.message
    if name not in ("laughter", "an alias of itself"):
        assert refused.value.place == Place(line, column)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"none\.yaml:1:1: No such file or directory"):
        read(str(tmp_path / "none.yaml"))


def test_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: 1\n")))
    [document] = read("-")
    assert (document.file, document.data) == ("<stdin>", {"a": 1})


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_ends_otherwise(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(text.encode("utf-8", "replace") if isinstance(text, str) else text)
    with suppress(Unreadable):
        read(str(file))
