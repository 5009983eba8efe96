"""Compiles the runtime's hot path: `python runtime/compile.py TARGET` puts the package there, its hot modules compiled.

TARGET becomes a folder that may stand in Python's path, or be copied into `site-packages`. It needs mypy (for mypyc),
setuptools, a C compiler and Python's headers; `--packages PYTHON`: an interpreter that has what the runtime imports.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = "moorage_runtime"
GROUP = f"{PACKAGE}.hot"
# What mypyc says of a thing that it compiles to something else. It is an error here, but for the harmless one.
_HARMLESS = "Treating generator comprehension as list"
_OPTIONS = ("--config-file=", "--ignore-missing-imports", "--follow-imports=silent")


def hot() -> list[str]:
    """The files to compile, below the package."""
    lines = (HERE / "compiled.txt").read_text().splitlines()
    return [f"{PACKAGE}/{line}" for line in lines if line and not line.startswith("#")]


def structs(file: Path) -> list[str]:
    """Its classes that msgspec reads the annotations of: compiled, they would have other ones."""
    classes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ClassDef)]
    return [each.name for each in classes if any("Struct" in ast.unparse(base) for base in each.bases)]


def build(target: Path, packages: str) -> None:
    """Fill `target`, which must not exist. Raises `SystemExit` when the compiler has something to say."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    shutil.copytree(HERE / PACKAGE, target / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    os.chdir(target)
    if told := [f"{file}: {name} is a Struct: keep it elsewhere" for file in hot() for name in structs(Path(file))]:
        sys.exit("\n".join(told))
    os.environ["MYPYPATH"] = str(target)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        options = [*_OPTIONS, f"--python-executable={packages}", "--cache-dir=build/mypy"]
        extensions = mypycify([*options, *hot()], opt_level="3", debug_level="0", group_name=GROUP)
        wrong = [line for line in said.getvalue().splitlines() if line and _HARMLESS not in line]
        if wrong:
            sys.exit("\n".join(wrong))
        command = Distribution({"name": PACKAGE, "ext_modules": extensions}).get_command_obj("build_ext")
        command.inplace = True
        command.ensure_finalized()
        command.run()
    shutil.rmtree(target / "build")


def main() -> None:
    """Take the command line."""
    parser = argparse.ArgumentParser(prog="compile.py", description="Compiles the runtime's hot path.")
    parser.add_argument("target", type=Path)
    parser.add_argument(
        "--packages", default=sys.executable, help="the interpreter whose packages it is compiled against"
    )
    asked = parser.parse_args()
    build(asked.target.resolve(), asked.packages)


if __name__ == "__main__":
    main()
