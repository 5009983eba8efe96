"""`python -m bench [--only GLOB ...] [--quick] [--rounds N] [--report FILE]`."""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from e2e.workbench import compiled

from . import environments, load, results, table
from .contestant import Contestant
from .contestants import everyone
from .measure import Bench, Record
from .places import RESULTS
from .results import Results


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What a prediction costs.")
    parser.add_argument("--only", nargs="+", metavar="GLOB", default=["*"], help="names as `group: server`, see --list")
    parser.add_argument("--quick", action="store_true", help="one round of cells of a second")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="of each cell")
    parser.add_argument("--list", action="store_true", help="print who takes part")
    parser.add_argument("--runtime", type=Path, help="the folder of the package to measure")
    parser.add_argument("--report", type=Path, metavar="FILE", nargs="+", help="print the tables of earlier runs")
    return parser.parse_args()


def chosen(patterns: list[str]) -> list[Contestant]:
    """The contestants whose key matches one of the patterns."""
    return [each for each in everyone() if any(fnmatch.fnmatch(each.key, pattern) for pattern in patterns)]


def main() -> None:
    """Measure, and print the tables."""
    # Told to end, the servers end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    asked = arguments()
    if asked.list:
        print("\n".join(each.key for each in chosen(asked.only)))
        return
    found = results.read(*asked.report) if asked.report else measured(asked)
    print("\n".join(table.lines(found)))


def measured(asked: argparse.Namespace) -> Results:
    """Run the rounds; every record is kept as it comes."""
    environments.ensure_generators()
    os.sched_setaffinity(0, {int(load.CORE)})
    rounds, seconds = (1, 1) if asked.quick else (asked.rounds, asked.seconds)
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.jsonl"
    with path.open("w") as file:
        Bench(seconds, (asked.runtime or compiled.runtime()).resolve()).run(chosen(asked.only), rounds, teller(file))
    print(f"bench: records in {path}\n", flush=True)
    return results.read(path)


def teller(file: TextIO) -> Callable[[Record], None]:
    """Writes each record and says a line about it."""

    def tell(record: Record) -> None:
        file.write(json.dumps(record) + "\n")
        file.flush()
        costs = [f"{name} {cell['cpu']:.1f}" for name, cell in record.get("cells", {}).items()]
        said = record.get("error") or ", ".join(costs) or record.get("cost")
        print(f"bench: [{record['round']}] {record['key']}: {said}", flush=True)

    return tell


if __name__ == "__main__":
    main()
