"""A large request without its numbers: what is left is read at once, they are read in slices."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from moorage_runtime.codecs.slices import Body
from moorage_runtime.steps import Steps

FEW_BYTES = 4 << 10
_DATA = re.compile(rb'"data"[ \t\r\n]*:[ \t\r\n]*(\[[ \t\r\n\[]{0,64})')
_TEXT, _BRACE = re.compile(rb'"'), re.compile(rb"\{")
_DEEPEST = 8
_REST_BYTES = 2 << 10
# No model has so many inputs, and a text of nothing but beginnings would take its time.
_MOST = 256
_LOOK_BYTES = 64 << 10
_OVERLAP_BYTES = 128
# Nobody can write what stands for a list.
_SECRET = os.urandom(12).hex().encode()


class Outline(NamedTuple):
    """`text`: the JSON, with a text in place of each long list of numbers. `lists`: what those stand for."""

    text: Body
    lists: dict[bytes, memoryview]


def outline(text: Body) -> Steps[Outline]:
    """Take the long lists of numbers by the key `data` out. What is no list of numbers, or malformed, may stay."""
    whole = memoryview(text)
    lists: dict[bytes, memoryview] = {}
    parts: list[Body] = []
    at = kept = rest = looked = 0
    while at < len(whole) and looked < _MOST:
        if at - rest > _REST_BYTES:
            rest = at
            yield
        behind = min(at + _LOOK_BYTES, len(whole))
        found = _DATA.search(whole, at, behind)
        if found is None:
            at = behind if behind == len(whole) else behind - _OVERLAP_BYTES
            continue
        looked += 1
        start, at = found.start(1), found.end()
        stop = yield from _end(whole, start, found[1].count(b"["))
        if stop - start > FEW_BYTES:
            token = b'"%b%08x"' % (_SECRET, len(lists))
            lists[token] = whole[start:stop]
            parts += (whole[kept:start], token)
            at = kept = stop
    return Outline(b"".join([*parts, whole[kept:]]), lists) if lists else Outline(text, lists)


def _end(whole: memoryview, start: int, depth: int) -> Steps[int]:
    """Behind a list of numbers nested this deep; its start where it is none, or has no end."""
    if depth > _DEEPEST:
        return start
    ends = re.compile(rb"[ \t\r\n]*".join([rb"\]"] * depth))
    at = start
    while at < len(whole):
        behind = min(at + _LOOK_BYTES, len(whole))
        # What is sought first ends the search for the next: no text is looked through twice.
        text = _TEXT.search(whole, at, behind)
        brace = _BRACE.search(whole, at, text.start() if text else behind)
        found = ends.search(whole, at, brace.start() if brace else text.start() if text else behind)
        if found is not None:
            return found.end()
        if text or brace:
            return start
        at = behind if behind == len(whole) else behind - _OVERLAP_BYTES
        yield
    return start
