"""Large requests and answers, a slice at a time: a million objects at once keep others waiting."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

import msgspec

from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import Steps

Body = bytes | bytearray | memoryview
GREAT_BYTES = 64 << 10
SLICE_BYTES = 8 << 10
# To write one takes about as long as to read `SLICE_BYTES`.
SLICE_ELEMENTS = 1024
# An answer of more numbers and texts is written in slices.
GREAT_ELEMENTS = 4 * SLICE_ELEMENTS
_SPACE = rb"[ \t\r\n]*"
_ATTEMPTS = 4
_BYTE = re.compile(r"\(byte (\d+)\)").search
_OPEN = "truncated"
_outline = msgspec.json.Decoder(list[msgspec.Raw]).decode
_AROUND_BYTES = 4 << 10
# An end that begins in one slice may lie in the next.
_OVERLAP_BYTES = 64


def refuse_blank(body: Body) -> None:
    """Raises `RequestFault` 400 for a great body that begins with more white space than anybody means: to walk over
    megabytes of it takes milliseconds.
    """
    if not bytes(body[:GREAT_BYTES]).strip():
        raise RequestFault(400, "InvalidRequest", f"the body begins with {GREAT_BYTES >> 10} KiB of white space")


class Unsliced(Exception):
    """A request cannot be taken in slices: something in it is wrong, or looks so.

    `part`: the list's next elements, of which `count` came before, when those are JSON and yet not taken; `words`: of
    the parser, when they are no JSON. Neither where it is unknown what is wrong.
    """

    def __init__(self, part: bytes | None = None, count: int = 0, words: str | None = None) -> None:
        super().__init__()
        self.part, self.count, self.words = part, count, words


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
    whole: bytes | None = None
    for place in _places(body, at, cut):
        part = b"".join((b"[", body[at : place.end(1)], b"]"))
        found = take(part, count)
        if found:
            return place, found
        if whole is None and _fault(part) is None:
            whole = part
    raise Unsliced(whole, count, None if whole else _malformed(body, at))


def _fault(part: bytes) -> str | None:
    """What the parser says of a list; None when it is JSON."""
    try:
        _outline(part)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return str(error)
    return None


def _malformed(body: Body, at: int) -> str | None:
    """What the parser says of the list's next part, if that is wrong wherever it ends."""
    words = _fault(b"".join((b"[", body[at : at + _ATTEMPTS * SLICE_BYTES])))
    place = _BYTE(words) if words is not None and not words.endswith(_OPEN) else None
    if words is None or place is None or "trailing" in words:
        return None
    return f"{words[: place.start(1)]}{int(place[1]) + at - 1}{words[place.end(1) :]}"


def _places(body: Body, at: int, cut: Cut) -> Iterator[re.Match[bytes]]:
    """Where a part may end: with the list, if that is near, else as soon as it is large enough."""
    behind = at + SLICE_BYTES
    yield from islice(cut.last.finditer(body, at, behind + _OVERLAP_BYTES), _ATTEMPTS)
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
