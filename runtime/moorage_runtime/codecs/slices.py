"""Large requests and answers, a slice at a time: a million objects at once keep others waiting."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple, TypeVar

Body = bytes | bytearray | memoryview
GREAT_BYTES = 64 << 10
SLICE_BYTES = 16 << 10
# To write one takes about as long as to read `SLICE_BYTES`.
SLICE_ELEMENTS = 2048
# An answer of more numbers and texts is written in slices.
GREAT_ELEMENTS = 4 * SLICE_ELEMENTS
_SPACE = rb"[ \t\r\n]*"
_ATTEMPTS = 4
_AROUND_BYTES = 4 << 10

T = TypeVar("T")
Steps = Generator[None, None, T]
"""Work in steps of well under a millisecond, that gives its result at the end."""


def finish(steps: Steps[T]) -> T:
    """Do all of it now."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


class Unsliced(Exception):
    """A list cannot be taken in slices: something in it is wrong, or looks so."""


class Cut(NamedTuple):
    """Where a list can be cut: group 1 closes an element, group 2 is the comma or the bracket behind it."""

    last: re.Pattern[bytes]
    any: re.Pattern[bytes]


def _cut(closing: bytes, space: bytes) -> Cut:
    return Cut(re.compile(rb"(%b)%b(\])" % (closing, space)), re.compile(rb"(%b)%b([,\]])" % (closing, space)))


def numbers(depth: int) -> Cut:
    """Of a list of numbers, nested this deep."""
    return _cut(_SPACE.join([rb"\]"] * (depth - 1)), _SPACE if depth > 1 else b"")


OBJECTS = _cut(rb"\}", _SPACE)


def parts(body: Body, at: int, cut: Cut, take: Callable[[bytes, int], int]) -> Steps[int]:
    """Hand over a list as lists of some of its elements, a step for each; gives the position behind its end.

    `at`: behind the opening bracket. `take` reads a part, given how many elements came before, and gives how many it
    has; 0 where it cannot be read, as when a bracket was one of a text's. What can be read from the list's beginning on
    does not end within a text, so that it was rightly cut. Raises `Unsliced`.
    """
    count = 0
    while True:
        place, found = _taken(body, at, cut, take, count)
        count, at = count + found, place.end()
        if place[2] == b"]":
            return at
        yield


def _taken(body: Body, at: int, cut: Cut, take: Callable[[bytes, int], int], count: int) -> tuple[re.Match[bytes], int]:
    for place in _places(body, at, cut):
        found = take(b"".join((b"[", body[at : place.end(1)], b"]")), count)
        if found:
            return place, found
    raise Unsliced


def _places(body: Body, at: int, cut: Cut) -> Iterator[re.Match[bytes]]:
    """Where a part may end: with the list, if that is near, else as soon as it is large enough."""
    behind = at + SLICE_BYTES
    yield from islice(cut.last.finditer(body, at, behind), _ATTEMPTS)
    yield from islice(cut.any.finditer(body, behind), _ATTEMPTS)


class Around(NamedTuple):
    """Where the one great list of a document begins, behind its bracket, and by which key it is called."""

    key: bytes
    start: int


def great_list(body: Body, keys: re.Pattern[bytes]) -> Around | None:
    """The list near the body's beginning whose key, group 1 of `keys`, is written plainly."""
    found = keys.search(body, 0, _AROUND_BYTES)
    return None if found is None else Around(found[1], found.end())


def without(body: Body, around: Around, behind: int) -> bytes | None:
    """The document with that list empty; None where it cannot be sure that the key is there once, or that it is short.

    `behind`: the position behind the list.
    """
    rest = b"".join((body[: around.start], b"]", body[behind : behind + _AROUND_BYTES]))
    # An escaped key may be the same one again.
    sure = len(body) - behind < _AROUND_BYTES and b"\\" not in rest and rest.count(b'"%b"' % around.key) == 1
    return rest if sure else None


def keys(*names: str) -> re.Pattern[bytes]:
    """Finds lists by these keys."""
    return re.compile(rb'"(%b)"[ \t\r\n]*:[ \t\r\n]*\[' % "|".join(names).encode())


@contextmanager
def undisturbed() -> Iterator[None]:
    """Many rows hold no cycle; to search them for one again and again takes longer than to read them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
