"""Clients of other projects against our runtime: what they send, we take; what we answer, they understand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("contract")
    models.write_boosting(folder / "boosting")
    made = Pod(folder / "pod", f"file://{folder / 'boosting'}", {})
    assert made.download().returncode == 0
    made.serve()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder: Path = tmp_path_factory.mktemp("texts")
    models.write_words(folder / "words")
    made = Pod(folder / "pod", f"file://{folder / 'words'}", {})
    assert made.download().returncode == 0
    made.serve()
    yield made
    made.kill()
