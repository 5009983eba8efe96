"""The route table: any bytes are a table or leave the last good one in force; a table reads back as it was written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from tests.fuzz.places import MEMORY

from moorage_runtime.config import Route, RouteTable, decode_routes, encode
from moorage_runtime.routing import Routes
from moorage_runtime.routing.validity import obstacle

GOOD = RouteTable(
    generation=7,
    revisions={"abc": Route(version="3", role="stable", weight=90), "def": Route(version="4", role="candidate")},
)
SEEDS = (
    encode(GOOD).encode(),
    b'{"generation":1,"revisions":{}}',
    b'{"generation":8,"salt":"s","keyHeader":"x-user","shadowPercent":20,"shield":{"patienceSeconds":0.5},"revisions":'
    b'{"abc":{"version":"3","role":"stable","weight":95},"def":{"version":"4","role":"candidate","weight":5,'
    b'"address":"10.0.0.1:80"},"ghi":{"version":"5","role":"arm","arm":"b","weight":10,"address":"h:80"}}}',
    b'{"generation":1,"revisions":{"abc":{"version":"3","role":"retiring","weight":0,"digest":null,"new":[1]}}}',
    b'{"generation":-1,"revisions":{"abc":{"version":"","role":""}},"more":{}}',
    b'{"generation":1e3,"revisions":[]}',
    b'{"generation":18446744073709551616,"revisions":{}}',
    b'{"generation":1,"generation":2,"revisions":{"abc":{"version":"3","role":"stable"},"abc":{}}}',
    b'{"generation":1,"revisions":{},"more":' + b"[" * 2000 + b"]" * 2000 + b"}",
    b"\xef\xbb\xbf{}",
    b"",
)
_FILE = Path(tempfile.mkdtemp(prefix="routes-", dir=MEMORY)) / "routes.json"


def one(data: bytes) -> None:
    """Decode it, and let a running pod meet it in the file it watches."""
    try:
        table = decode_routes(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        table = None
    if table is not None:
        assert decode_routes(encode(table)) == table
    _FILE.write_text(encode(GOOD))
    routes = Routes(_FILE, "abc")
    routes.poll()
    # A new inode, as the kubelet's swap makes: a write within one tick of the clock would be no change.
    draft = _FILE.with_name("draft")
    draft.write_bytes(data)
    draft.replace(_FILE)
    routes.poll()
    followed = table is not None and obstacle(table, GOOD.generation) is None
    assert (routes.refused is None) == followed
    in_force = table if followed and table is not None else GOOD
    assert routes.generation == in_force.generation
    assert routes.route == in_force.revisions.get("abc")
    assert routes.plan is not None
    assert sum(routes.plan.of_bucket(number) is not None for number in range(0, 10_000, 100)) <= 100
    assert isinstance(routes.leaving, bool)
