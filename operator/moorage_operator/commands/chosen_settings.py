"""The operator's settings that a subcommand works with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from moorage_operator.commands.problem import Refused
from moorage_operator.settings import Settings, SettingsFault, load, parse

WITHOUT = {"runtime": {"image": "localhost/moorage-runtime:dev"}}


def add_option(parser: argparse.ArgumentParser) -> None:
    """`--settings`."""
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="the operator's settings: images, resources, registries, caches"
    )


def settings(asked: argparse.Namespace) -> Settings | None:
    """Those of the file; None when none was named. Raises Refused, naming the file and the field."""
    if asked.settings is None:
        return None
    try:
        return load(asked.settings)
    except SettingsFault as fault:
        raise Refused(fault.message) from fault


def or_silent(chosen: Settings | None) -> Settings:
    """Those, or ones that name an image and nothing else."""
    return chosen if chosen is not None else parse(WITHOUT)


def or_told(chosen: Settings | None) -> Settings:
    """As `or_silent`, but people are told when there are none."""
    if chosen is None:
        sys.stderr.write("moorage: no settings of an operator: a local image, and no resources, stores or caches\n")
    return or_silent(chosen)
