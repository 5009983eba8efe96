"""`moorage`: finds the subcommands of whichever package is installed, and imports only the one that is asked for."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TextIO

GROUP = "moorage.commands"
EXTRAS: Mapping[str, str] = {"moorage_operator": "cli", "moorage_runtime": "onnx"}
"""The extra that brings the libraries of each package's subcommands."""

OK, MISSING_LIBRARY, UNKNOWN, INTERRUPTED = 0, 2, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; its exit code. 2: no such subcommand, or one whose libraries are not installed."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    commands = _commands()
    if not words or words[0] in ("-h", "--help", "help"):
        return _say(_overview(commands), sys.stdout, OK)
    name, rest = words[0], words[1:]
    if name not in commands:
        there = ", ".join(sorted(commands)) or "none is installed"
        return _say(f"moorage: there is no subcommand {name!r} ({there})\n", sys.stderr, UNKNOWN)
    return _run(commands[name], rest)


def _run(command: EntryPoint, arguments: list[str]) -> int:
    try:
        asked: Callable[[Sequence[str]], int] = command.load()
        code = asked(arguments)
        sys.stdout.flush()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in EXTRAS:
            raise
        return _say(_which_extra(command, error.name), sys.stderr, MISSING_LIBRARY)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough; what is still buffered must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return code


def _commands() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=GROUP) if _source(each) is not None}


def _overview(commands: Mapping[str, EntryPoint]) -> str:
    width = max(map(len, commands), default=0)
    lines = [f"  {name:<{width}}  {_about(commands[name])}" for name in sorted(commands)]
    listed = "\n".join(lines) or "  none is installed: pip install 'moorage[cli]' or 'moorage[onnx]'"
    return f"usage: moorage SUBCOMMAND ...\n\n{listed}\n\n`moorage SUBCOMMAND --help` tells its options.\n"


def _about(command: EntryPoint) -> str:
    """The first line of the module's docstring, read without running the module."""
    source = _source(command)
    text = ast.get_docstring(ast.parse(source.read_bytes())) if source is not None else None
    return (text or "").partition("\n")[0]


def _source(command: EntryPoint) -> Path | None:
    """The file of the subcommand's module; None when its package is not here."""
    try:
        found = importlib.util.find_spec(command.module)
    except ModuleNotFoundError:
        return None
    return Path(found.origin) if found is not None and found.origin is not None else None


def _which_extra(command: EntryPoint, missing: str | None) -> str:
    extra = EXTRAS.get(command.module.partition(".")[0], "dev")
    return f"moorage {command.name}: {missing} is not installed: pip install 'moorage[{extra}]'\n"


def _say(text: str, where: TextIO, code: int) -> int:
    where.write(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
