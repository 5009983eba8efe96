"""What the pods told at earlier looks: kept in this process only, and found again by the mark that the status carries.

A status that counts from readings which this process never made (another operator's, or its own before a restart) finds
nothing here: that stretch is left out. One that was written, or was not, without anybody knowing, tells by its mark.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from moorage_operator.analysis.window import carried
from moorage_operator.api.judgement import Reading, Readings
from moorage_operator.api.records import Key

_Kept = Mapping[str, tuple[Reading, ...]]


class Recollection:
    """Readings by custom resource and mark."""

    def __init__(self) -> None:
        self._kept: dict[Key, _Kept] = {}

    def before(self, key: Key) -> _Kept:
        """Everything that is kept of `key`."""
        return self._kept.get(key, {})

    def note(self, key: Key, readings: Readings, counted: Collection[str]) -> None:
        """Keep these readings, and the earlier ones whose marks are in `counted`: the status may count from either.

        A pod that just gave no answer goes on from what it told last.
        """
        kept = {mark: told for mark, told in readings.before.items() if mark in counted}
        last = next(iter(kept.values()), ())
        self._kept[key] = {**kept, readings.mark: carried(last, readings.now)}

    def forget(self, key: Key) -> None:
        """`key` is gone, or nobody depends on its pods any more."""
        self._kept.pop(key, None)
