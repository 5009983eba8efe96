"""Slices so small that a fuzzer's bodies have several; for as long as a target runs, and not for who imports it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moorage_runtime.codecs import slices

BYTES = 16


@contextmanager
def small_slices() -> Iterator[None]:
    """For the context, or for a function that it decorates."""
    before, slices.SLICE_BYTES = slices.SLICE_BYTES, BYTES
    try:
        yield
    finally:
        slices.SLICE_BYTES = before
