"""The route table: any bytes are a table or leave the last good one in force; a table reads back as it was written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from tests.fuzz.places import MEMORY

from moorage_runtime.config import Route, RouteTable, decode_routes, encode
from moorage_runtime.routing import Routes

GOOD = RouteTable(
    generation=7,
    revisions={"abc": Route(version="3", role="stable", weight=90), "def": Route(version="4", role="candidate")},
)
SEEDS = (
    encode(GOOD).encode(),
    b'{"generation":1,"revisions":{}}',
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
    assert routes.generation == (GOOD if table is None else table).generation
    assert routes.route == (GOOD if table is None else table).revisions.get("abc")
    assert isinstance(routes.leaving, bool)
