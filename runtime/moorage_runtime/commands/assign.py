"""Tell which version each key gets, in an A/B test or a ramp: what every pod does, without a pod.

A line for each key: the key, its bucket (0 to 9999) and the arm, tabs between them. `stable` and `candidate` are arms
too. Keys are the values of the header that the test goes by.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from moorage_runtime.commands import fault
from moorage_runtime.config import Route, RouteTable, decode_routes
from moorage_runtime.errors import RuntimeFault
from moorage_runtime.routing.buckets import bucket
from moorage_runtime.routing.plan import ARM, CANDIDATE, STABLE, Plan, plan
from moorage_runtime.routing.validity import obstacle

_NOWHERE = "nowhere:80"
# What HTTP takes away around the value of a header.
_BLANKS = b" \t\r\n"


def main(arguments: Sequence[str]) -> int:
    """Assign keys; gives the exit code: 0, 1 when the table or a key cannot be meant, 2 when misused."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.routes is not None and (asked.salt or asked.percent or asked.arm):
        parser.error("--routes tells salt, percent and arms itself")
    if asked.routes == "-" and not asked.keys:
        parser.error("the table and the keys cannot both be read from the standard input")
    try:
        known = _stable(_read(asked.routes) if asked.routes is not None else _told(asked))
        for key in _keys(asked.keys):
            _tell(known, key)
    except RuntimeFault as refused:
        return fault.tell(refused)
    return 0


def _tell(known: Plan, key: bytes) -> None:
    """Keys are bytes, of whatever encoding: they leave as they came."""
    revision = known.of_key(key)
    route = known.route(revision or known.own)
    told = b"%b\t%d\t%b\n" % (key, bucket(known.table.salt, key), (route.arm or route.role).encode())
    sys.stdout.buffer.write(told)


def _keys(given: Sequence[str]) -> Iterator[bytes]:
    """Raises `RuntimeFault` for a key that no header can carry."""
    lines = (os.fsencode(key) for key in given) if given else sys.stdin.buffer
    for line in lines:
        key = line.strip(_BLANKS)
        if key:
            yield key
        elif given:
            raise RuntimeFault("KeyEmpty", "a request without a key has no arm of its own: it is assigned by turns")


def _told(asked: argparse.Namespace) -> RouteTable:
    """The table of what the command line tells."""
    revisions = {STABLE: Route(version=STABLE, role=STABLE)}
    if asked.percent:
        revisions[CANDIDATE] = Route(version=CANDIDATE, role=CANDIDATE, weight=asked.percent, address=_NOWHERE)
    for at, (name, percent) in enumerate(asked.arm):
        revisions[f"{ARM}-{at}"] = Route(version=name, role=ARM, weight=percent, address=_NOWHERE, arm=name)
    return RouteTable(generation=1, revisions=revisions, salt=asked.salt)


def _read(name: str) -> RouteTable:
    """The table in a file. Raises `RuntimeFault`."""
    try:
        text = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return decode_routes(text)
    except OSError as error:
        raise RuntimeFault("RoutesUnreadable", f"{name}: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RuntimeFault("RoutesUnreadable", f"{name}: {error}") from error


def _stable(table: RouteTable) -> Plan:
    """What the table means to the pods that clients reach. Raises `RuntimeFault`."""
    wrong = obstacle(table, table.generation)
    if wrong is not None:
        raise RuntimeFault("RoutesInvalid", wrong)
    own = next((revision for revision, route in table.revisions.items() if route.role == STABLE), None)
    if own is None:
        raise RuntimeFault("RoutesInvalid", "revisions: none is stable")
    return plan(table, own)


def _percent(text: str) -> int:
    """Raises `argparse.ArgumentTypeError`."""
    if not text.isdecimal() or not 0 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 100")
    return int(text)


def _arm(text: str) -> tuple[str, int]:
    """`NAME=PERCENT`. Raises `argparse.ArgumentTypeError`."""
    name, equals, percent = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=PERCENT")
    return name, _percent(percent)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="moorage assign", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("keys", nargs="*", metavar="KEY", help="as the header has it (default: lines of the stdin)")
    parser.add_argument("--salt", default="", help="of the test")
    parser.add_argument("--percent", type=_percent, default=0, help="that the candidate gets")
    parser.add_argument(
        "--arm", type=_arm, action="append", default=[], metavar="NAME=PERCENT", help="an arm of the test; repeatable"
    )
    parser.add_argument(
        "--routes",
        metavar="FILE",
        help="the table that the pods have, instead: key routes.json of ConfigMap NAME-routes",
    )
    return parser
