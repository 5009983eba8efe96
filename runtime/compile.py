"""Compiles the runtime's hot path: `python runtime/compile.py TARGET` puts the package there, its hot modules compiled,
and the kernel that walks forests.

TARGET becomes a folder that may stand in Python's path, or be copied into `site-packages`. It needs mypy (for mypyc),
setuptools, a C compiler and Python's headers, and nothing of what the runtime imports.
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
# Written in C, beside what uses it. No answer may depend on how a processor rounds what is not in the source.
KERNEL = f"{PACKAGE}/engines/onnx/trees/kernel"
KERNEL_OPTIONS = ("-O3", "-ffp-contract=off")
# Seen alone, so that the same sources make the same code wherever they are compiled.
OPTIONS = ("--config-file=", "--no-site-packages", "--ignore-missing-imports", "--follow-imports=silent")
# What the compiler says of code that will do something else than Python's is an error here; this is no such thing.
HARMLESS = "Treating generator comprehension as list"


def hot() -> list[str]:
    """The files to compile, as they lie in TARGET."""
    lines = (HERE / "compiled.txt").read_text().splitlines()
    return [f"{PACKAGE}/{line}" for line in lines if not line.startswith("#")]


def structs(file: str) -> list[str]:
    """Complaints about classes that msgspec reads the annotations of: a compiled class has other ones."""
    classes = [node for node in ast.walk(ast.parse(Path(file).read_text())) if isinstance(node, ast.ClassDef)]
    wrong = [each.name for each in classes if any("Struct" in ast.unparse(base) for base in each.bases)]
    return [f"{file}: {name} is a Struct: define it in a module that is not compiled" for name in wrong]


def build(target: Path) -> None:
    """Fill `target`, which must not exist. Raises `SystemExit` when there is something to say against a module."""
    shutil.copytree(HERE / PACKAGE, target / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    os.chdir(target)
    os.environ["MYPYPATH"] = str(target)
    told = [line for file in hot() for line in structs(file)]
    if not told:
        told = translate()
    if told:
        sys.exit("\n".join(told))
    shutil.rmtree("build")


def translate() -> list[str]:
    """Compile in place; gives what the compiler has to say."""
    from mypyc.build import mypycify
    from setuptools import Distribution, Extension

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        extensions = mypycify([*OPTIONS, "--cache-dir=build/mypy", *hot()], debug_level="0", group_name=GROUP)
    told = [line for line in said.getvalue().splitlines() if line and HARMLESS not in line]
    if not told:
        kernel = Extension(KERNEL.replace("/", "."), [f"{KERNEL}.c"], extra_compile_args=list(KERNEL_OPTIONS))
        command = Distribution({"name": PACKAGE, "ext_modules": [*extensions, kernel]}).get_command_obj("build_ext")
        command.inplace = True
        command.ensure_finalized()
        command.run()
    return told


def main() -> None:
    """Take the command line."""
    parser = argparse.ArgumentParser(prog="compile.py", description="Compiles the runtime's hot path.")
    parser.add_argument("target", type=Path)
    build(parser.parse_args().target.resolve())


if __name__ == "__main__":
    main()
