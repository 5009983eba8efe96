"""Find what is wrong with resources, or could be better, without a cluster."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from moorage_operator.commands import chosen_settings
from moorage_operator.commands.documents import Document, Unreadable, read
from moorage_operator.commands.finding import Finding, Severity
from moorage_operator.commands.inspection import inspect
from moorage_operator.commands.problem import Refused

CLEAN, FOUND, UNREADABLE = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 nothing was found, 1 something was, 2 a file cannot be read."""
    asked = _parser().parse_args(arguments)
    try:
        settings = chosen_settings.settings(asked)
    except Refused as refused:
        sys.stderr.write(f"moorage lint: {refused}\n")
        return UNREADABLE
    documents, unreadable = _read(asked.files)
    least = Severity(asked.level).rank
    found = [*unreadable, *(each for each in inspect(documents, settings) if each.severity.rank <= least)]
    sys.stdout.write(_as_json(found) if asked.format == "json" else "".join(f"{each}\n" for each in found))
    if unreadable:
        return UNREADABLE
    return FOUND if found else CLEAN


def _read(files: Iterable[str]) -> tuple[list[Document], list[Finding]]:
    documents: list[Document] = []
    unreadable: list[Finding] = []
    for file in files:
        try:
            documents += read(file)
        except Unreadable as error:
            place = (error.file, error.place.line, error.place.column)
            unreadable.append(Finding(*place, Severity.ERROR, "Unreadable", "", error.message))
    return documents, unreadable


def _as_json(found: Iterable[Finding]) -> str:
    return json.dumps([asdict(each) for each in found], indent=2) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="moorage lint",
        description="Hold resources against the schema and the rules of their kind, and against good practice.",
        epilog="Exit codes: 0 nothing was found, 1 something was, 2 a file cannot be read.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a YAML file, or - for the standard input")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    levels = [str(each) for each in Severity]
    parser.add_argument("--level", choices=levels, default=levels[-1], help="leave out what matters less")
    chosen_settings.add_option(parser)
    return parser
