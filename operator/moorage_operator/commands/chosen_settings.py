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


def or_plain(chosen: Settings | None) -> Settings:
    """Those, or ones that name an image and nothing else, which is then said."""
    if chosen is not None:
        return chosen
    sys.stderr.write(
        "moorage: without --settings: no resources, stores or caches of the operator's, and a local image\n"
    )
    return parse(WITHOUT)
