"""Reads great requests a slice of their rows at a time; what is not plainly right is left to others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np

from moorage_runtime.codecs.features import values
from moorage_runtime.codecs.features.question import PLAIN, Options
from moorage_runtime.codecs.slices import OBJECTS, Body, Unsliced, great_list, keys, parts, without
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array

_ROWS = keys("rows", "instances")
_TOO_MUCH = 413
_REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Take = Callable[[list[Any], bytes, int], Mapping[str, Array]]
"""Rows, as the decoder gives them, their JSON text, and how many came before, to tensors. Raises `RequestFault`."""


class _Rest(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    rows: list[None] | msgspec.UnsetType = msgspec.UNSET
    instances: list[None] | msgspec.UnsetType = msgspec.UNSET
    options: Options | msgspec.UnsetType = msgspec.UNSET
    parameters: Options | msgspec.UnsetType = msgspec.UNSET


_decode_rest = msgspec.json.Decoder(_Rest).decode


class Sliced:
    """`row`: the type of one row."""

    def __init__(self, row: Any, take: Take) -> None:
        self._decode: Callable[[bytes], list[Any]] = msgspec.json.Decoder(list[row]).decode
        self._take = take

    def read(self, body: Body, key: str) -> Steps[tuple[dict[str, Array], int, Options]]:
        """The tensors, the number of rows, the options. Raises `Unsliced`, and `RequestFault` 413."""
        around = great_list(body, _ROWS)
        if around is None or around.key != key.encode():
            raise Unsliced
        found: list[Mapping[str, Array]] = []
        counts: list[int] = []

        def take(part: bytes, before: int) -> int:
            count = self._taken(part, before, found)
            counts.append(count)
            return count

        behind = yield from parts(body, around.start, OBJECTS, take)
        options = _options(without(body, around, behind))
        yield
        return {name: _joined([each[name] for each in found]) for name in found[0]}, sum(counts), options

    def _taken(self, part: bytes, before: int, found: list[Mapping[str, Array]]) -> int:
        try:
            rows = self._decode(part)
            found.append(self._take(rows, part, before))
        except RequestFault as fault:
            if fault.status == _TOO_MUCH:
                raise
            return 0
        except (*_REFUSALS, ValueError, OverflowError, values.Mistake):
            return 0
        return len(rows)


def _joined(arrays: list[Array]) -> Array:
    try:
        return np.concatenate(arrays)
    except ValueError as error:
        raise Unsliced from error


def _options(rest: bytes | None) -> Options:
    if rest is None:
        raise Unsliced
    try:
        told = _decode_rest(rest)
    except _REFUSALS as error:
        raise Unsliced from error
    if isinstance(told.options, Options):
        if isinstance(told.parameters, Options):
            raise Unsliced
        return told.options
    return told.parameters if isinstance(told.parameters, Options) else PLAIN
