"""A folder named after a module of the standard library, `operator/`, is harmless as long as this holds."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_operator_stays_a_folder_beside_the_stdlib_module() -> None:
    assert [file.name for file in (ROOT / "operator").glob("*.py*")] == []
    assert [str(file) for file in (ROOT / "tests").rglob("__init__.py")] == []


def test_the_checks_look_where_files_are() -> None:
    assert (ROOT / "operator" / "moorage_operator" / "__init__.py").is_file()
    assert list((ROOT / "tests").rglob("test_*.py"))
