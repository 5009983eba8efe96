"""What waits, sorted by what may run together."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Generic

from moorage_runtime.batching.member import M
from moorage_runtime.expiry import expired
from moorage_runtime.tensors import Array, TensorSpec

_NEVER = float("inf")


class Groups(Generic[M]):
    """Members in the order of their arrival, apart by wanted outputs, trailing shapes and datatypes.

    Of a model whose shapes are fixed behind the first length, only the wanted outputs can differ.
    """

    def __init__(self, specs: Mapping[str, TensorSpec]) -> None:
        self._uniform = all(min(spec.shape[1:], default=0) >= 0 and spec.datatype != "BYTES" for spec in specs.values())
        self._inputs = len(specs)
        self._groups: dict[Hashable, deque[M]] = {}
        self._lonely: deque[M] = deque()

    def __len__(self) -> int:
        return len(self._lonely) + sum(map(len, self._groups.values()))

    def __bool__(self) -> bool:
        return bool(self._groups or self._lonely)

    def add(self, member: M) -> None:
        """One more waits."""
        key: Hashable = member.outputs
        if not self._uniform or len(member.inputs) != self._inputs:
            key = (key, *((name, array.shape[1:], array.dtype) for name, array in member.inputs.items()))
        group = self._groups.get(key)
        if group is None:
            self._groups[key] = deque((member,))
        else:
            group.append(member)

    def add_lonely(self, members: list[M]) -> None:
        """These run first, and each by itself."""
        self._lonely.extend(members)

    def take(self, now: float, most: int) -> list[M]:
        """What runs next: members of one group with at most `most` rows in all, or one member with more.

        Those that need no answer any more are ended on the way. Empty when nobody waits.
        """
        batch: list[M] = []
        late: list[M] = []
        while not batch and self._lonely:
            batch = self._cut(self._lonely, now, 0, late)
        while not batch and self._groups:
            key = next(iter(self._groups))
            group = self._groups.pop(key)
            batch = self._cut(group, now, most, late)
            if group:
                # Behind the others: a busy group must not keep a quiet one waiting.
                self._groups[key] = group
        _end(late, now)
        return batch

    def prune(self, now: float) -> float:
        """End those that need no answer any more; gives the first deadline of the others, or infinity."""
        late: list[M] = []
        earliest = _NEVER
        for group in (self._lonely, *self._groups.values()):
            kept = [member for member in group if member.deadline > now and not member.gone]
            earliest = min(earliest, min((member.deadline for member in kept), default=_NEVER))
            if len(kept) < len(group):
                late.extend(member for member in group if member.deadline <= now or member.gone)
                group.clear()
                group.extend(kept)
        self._groups = {key: group for key, group in self._groups.items() if group}
        _end(late, now)
        return earliest

    def _cut(self, group: deque[M], now: float, most: int, late: list[M]) -> list[M]:
        batch = [member for member in group if member.deadline > now and not member.gone]
        rows = [member.rows for member in batch]
        if len(batch) == len(group) and sum(rows) <= most and 0 not in rows:
            group.clear()
            return batch
        return self._pick(group, now, most, late)

    @staticmethod
    def _pick(group: deque[M], now: float, most: int, late: list[M]) -> list[M]:
        batch: list[M] = []
        rows = 0
        while group:
            member = group[0]
            if batch and (not member.rows or rows + member.rows > most):
                break
            group.popleft()
            if member.gone or member.deadline <= now:
                late.append(member)
                continue
            batch.append(member)
            rows += member.rows
            if not member.rows or rows >= most:
                break
        return batch


def _end(late: list[M], now: float) -> None:
    # Only when nothing is half done: who hears of its end may come back with the next request at once.
    for member in late:
        fault = expired(member, now)
        if fault is not None:
            member.fail(fault)


def rows_of(inputs: Mapping[str, Array]) -> int:
    """The first length that all inputs share; 0 when they do not share one."""
    rows = 0
    for array in inputs.values():
        if not array.ndim or (rows and array.shape[0] != rows):
            return 0
        rows = array.shape[0]
        if not rows:
            return 0
    return rows
