"""Where the process is in its life: loading -> ready -> draining."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """The three ages of a serving process."""

    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
