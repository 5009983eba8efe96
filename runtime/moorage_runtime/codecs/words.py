"""What clients and models call things, as a message tells it."""

from __future__ import annotations

from collections.abc import Mapping

from moorage_runtime.tensors import TensorSpec

_SHOWN = 80


def shown(text: str) -> str:
    """What a client sent, quoted, and no longer than one wants to read."""
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}..."


def names(specs: Mapping[str, TensorSpec]) -> str:
    """The names of a model's tensors, for a message."""
    return ", ".join(repr(name) for name in specs)
