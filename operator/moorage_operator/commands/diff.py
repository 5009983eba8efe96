"""Show what a file would change: in a cluster, or against another file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from moorage_operator.cluster.server import ApiError, ApiServer, connect
from moorage_operator.commands import chosen_settings, live
from moorage_operator.commands import meaning as meanings
from moorage_operator.commands.against_cluster import compared
from moorage_operator.commands.between_files import between
from moorage_operator.commands.problem import Refused
from moorage_operator.commands.report import Report
from moorage_operator.commands.resources import resources
from moorage_operator.errors import Fault

SAME, DIFFERENT, TROUBLE = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 nothing would change, 1 something would, 2 it cannot be told."""
    asked = _parser().parse_args(arguments)
    try:
        reports = _between_files(asked) if asked.new is not None else asyncio.run(_against_cluster(asked))
    except (Refused, Fault, ApiError) as refused:
        sys.stderr.write(f"moorage diff: {refused}\n")
        return TROUBLE
    text = "".join(map(str, reports))
    sys.stdout.write(text)
    return DIFFERENT if text else SAME


def _between_files(asked: argparse.Namespace) -> list[Report]:
    settings = chosen_settings.settings(asked)
    old, new = (resources(file, asked.namespace) for file in (asked.file, asked.new))
    return between(old, new, meanings.known(asked), settings)


async def _against_cluster(asked: argparse.Namespace) -> list[Report]:
    if asked.kubeconfig is not None and not asked.kubeconfig.is_file():
        raise Refused(f"{asked.kubeconfig}: there is no such kubeconfig")
    wished, said = resources(asked.file, asked.namespace), meanings.known(asked)
    api = await _connected(asked)
    try:
        chosen = chosen_settings.settings(asked) or await live.settings(api, asked.operator_namespace)
        settings = chosen_settings.or_told(chosen)
        return [await compared(api, each, said, settings, datetime.now(UTC)) for each in wished]
    finally:
        await api.close()


async def _connected(asked: argparse.Namespace) -> ApiServer:
    try:
        return await connect(agent="moorage-diff", kubeconfig=asked.kubeconfig, context=asked.context)
    except ApiError as error:
        raise Refused(f"no cluster to compare with: {error.message}; or give a second file") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="moorage diff",
        description="With one file: what it would change in the cluster. With two: what lies between them, offline.",
        epilog="Exit codes: 0 nothing would change, 1 something would, 2 it cannot be told. Nothing is written.",
    )
    parser.add_argument("file", metavar="FILE", help="a YAML file, or - for the standard input")
    parser.add_argument("new", metavar="NEW", nargs="?", help="compare FILE with this file instead of a cluster")
    parser.add_argument("--kubeconfig", type=Path, help="default: $KUBECONFIG, or the user's own")
    parser.add_argument("--context", help="a context of the kubeconfig (default: its current one)")
    parser.add_argument("--namespace", "-n", default="default", help="of resources that name none (default: default)")
    parser.add_argument(
        "--operator-namespace",
        default="moorage-system",
        help="where the operator, whose settings count, runs (default: moorage-system)",
    )
    chosen_settings.add_option(parser)
    meanings.add_options(parser)
    return parser
