"""Each `fuzz_*.py` here has `SEEDS` and `one(data)`; this runs them on inputs that are the same every time.

`python -m tests.fuzz v2_json --seconds 1800` runs one under atheris, guided by coverage.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from tests.fuzz import mutate

TARGETS = sorted(file.stem for file in Path(__file__).parent.glob("fuzz_*.py"))
CHANGED = 3_000


@pytest.mark.parametrize("target", TARGETS)
def test_a_parser_survives(target: str) -> None:
    module = importlib.import_module(f"tests.fuzz.{target}")
    assert module.SEEDS
    for data in mutate.inputs(module.SEEDS, CHANGED):
        try:
            module.one(data)
        except Exception as error:
            raise AssertionError(f"{target} fails on {data!r}") from error


def test_there_is_a_target_for_each_parser() -> None:
    assert len(TARGETS) >= 11
