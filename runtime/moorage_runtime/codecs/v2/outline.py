"""A large request without its numbers: what is left is read at once, they are read in slices."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from moorage_runtime.codecs.slices import Body, Steps

FEW_BYTES = 4 << 10
_DATA = re.compile(rb'"data"[ \t\r\n]*:[ \t\r\n]*(\[[ \t\r\n\[]{0,64})')
_DEEPEST = 8
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
    at = kept = 0
    while at < len(whole):
        behind = min(at + _LOOK_BYTES, len(whole))
        found = _DATA.search(whole, at, behind)
        if found is None:
            at = behind if behind == len(whole) else behind - _OVERLAP_BYTES
            yield
            continue
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
    ends = re.compile(rb'["{]|' + rb"[ \t\r\n]*".join([rb"\]"] * depth))
    at = start
    while at < len(whole):
        behind = min(at + _LOOK_BYTES, len(whole))
        found = ends.search(whole, at, behind)
        if found is not None:
            return found.end() if found[0].endswith(b"]") else start
        at = behind if behind == len(whole) else behind - _OVERLAP_BYTES
        yield
    return start
