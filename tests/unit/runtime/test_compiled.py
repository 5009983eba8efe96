"""What runs: the hot modules as they are written, or all of them compiled."""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

RUNTIME = Path(__file__).parents[3] / "runtime"
STRUCT = """
import msgspec
class Plain: ...
class Sent(msgspec.Struct, gc=False): ...
"""


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compile_runtime", RUNTIME / "compile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_or_none_of_the_hot_modules_are_compiled(builder: ModuleType) -> None:
    names = [file.removesuffix(".py").replace("/", ".") for file in builder.hot()]
    found = {name for name in names if not str(importlib.import_module(name).__file__).endswith(".py")}
    assert len(names) > 30
    assert found == (set(names) if os.environ.get("MOORAGE_COMPILED") else set())


def test_the_list_is_sorted_and_names_what_is_there(builder: ModuleType) -> None:
    assert builder.hot() == sorted(set(builder.hot()))
    assert all((RUNTIME / file).is_file() for file in builder.hot())


def test_what_msgspec_reads_is_not_compiled(builder: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(STRUCT)
    assert [line.partition(": ")[2].split()[0] for line in builder.structs(str(tmp_path / "a.py"))] == ["Sent"]
    assert not [line for file in builder.hot() for line in builder.structs(str(RUNTIME / file))]
