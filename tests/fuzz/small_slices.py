"""Slices so small that a fuzzer's bodies have several; for as long as a target runs, and not for who imports it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from moorage_runtime.codecs import slices
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import Steps, finish

T = TypeVar("T")

BYTES = 16


@contextmanager
def small_slices() -> Iterator[None]:
    """For the context, or for a function that it decorates."""
    before, slices.SLICE_BYTES = slices.SLICE_BYTES, BYTES
    try:
        yield
    finally:
        slices.SLICE_BYTES = before


def in_slices_or_refused(steps: Steps[T]) -> T | None:
    """What a request is when it is read in slices; None for a refused one."""
    try:
        return finish(steps)
    except RequestFault:
        return None
