"""`python -m moorage_operator`: parse, load, start, stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from moorage_operator import logs
from moorage_operator.cluster.server import ApiError
from moorage_operator.process import Process
from moorage_operator.settings import Settings, SettingsFault, load, own_namespace

log = logging.getLogger("moorage_operator")

STOP_SECONDS = 2.0


def main() -> None:
    """Run until SIGTERM or SIGINT. Exit codes: 0 stopped, 1 failed, 2 the settings are wrong."""
    arguments = _arguments()
    logs.configure(arguments.log_level)
    try:
        settings = load(arguments.settings)
    except SettingsFault as fault:
        log.error("%s", fault.message)
        sys.exit(2)
    code = asyncio.run(_serve(_overridden(settings, arguments)))
    # Threads of the watch may hang in a read; nothing they do matters any more.
    sys.stderr.flush()
    os._exit(code)


async def _serve(settings: Settings) -> int:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        async with Process(settings) as process:
            return await _until(stopped, process.run())
    except (ApiError, OSError) as error:
        log.error("cannot start: %s", error)
        return 1


async def _until(stopped: asyncio.Event, work: Coroutine[Any, Any, None]) -> int:
    running = asyncio.create_task(work)
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        log.error("ended by itself", exc_info=running.exception())
        return 1
    log.info("stopping")
    running.cancel()
    await asyncio.wait((running,), timeout=STOP_SECONDS)
    return 0


def _overridden(settings: Settings, arguments: argparse.Namespace) -> Settings:
    if arguments.no_election:
        election = settings.election.model_copy(update={"enabled": False})
        settings = settings.model_copy(update={"election": election})
    if arguments.own_namespace:
        settings = settings.model_copy(update={"watch_namespaces": (own_namespace(),)})
    return settings


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="moorage-operator", description=__doc__)
    parser.add_argument("--settings", type=Path, help="the settings file (default: $MOORAGE_SETTINGS)")
    parser.add_argument("--no-election", action="store_true", help="write without a lease: the only operator there is")
    parser.add_argument("--own-namespace", action="store_true", help="serve only the namespace the operator lives in")
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
