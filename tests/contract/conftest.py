"""Clients of other projects against our runtime: what they send, we take; what we answer, they understand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.runtime import identities, models
from tests.unit.runtime.pod import Pod


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    yield from _served(tmp_path_factory.mktemp("contract"), models.write_boosting)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    yield from _served(tmp_path_factory.mktemp("texts"), models.write_words)


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Every datatype that numpy has, in and out."""
    yield from _served(tmp_path_factory.mktemp("echo"), identities.write)


@pytest.fixture(scope="module")
def echo_numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Every datatype but text, in and out."""
    folder = tmp_path_factory.mktemp("numbers")
    yield from _served(folder, lambda model: identities.write(model, identities.NUMBERS))


def _served(folder: Path, write: Callable[[Path], None]) -> Iterator[Pod]:
    write(folder / "model")
    made = Pod(folder / "pod", f"file://{folder / 'model'}", {})
    assert made.download().returncode == 0
    made.serve()
    yield made
    made.kill()
