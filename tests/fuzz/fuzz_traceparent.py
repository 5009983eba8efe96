"""The trace headers: garbage is as good as nothing, and what is passed on is what W3C Trace Context allows.

A newline stands between the two headers.
"""

from __future__ import annotations

import re

from moorage_runtime import tracing

TRACE, SPAN = b"4bf92f3577b34da6a3ce929d0e0e4736", b"00f067aa0ba902b7"
GOOD = b"00-%b-%b-01" % (TRACE, SPAN)
SEEDS = (
    GOOD,
    GOOD + b"\nrojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    b" " + GOOD + b"\t\n ,, a=1 , tenant@vendor=x,",
    b"01" + GOOD[2:] + b"-more",
    b"ff" + GOOD[2:],
    GOOD + b"-",
    GOOD.upper(),
    b"00-%b-%b-01" % (b"0" * 32, SPAN),
    b"00-%b-%b-ff" % (TRACE, b"0" * 16),
    b"00-%b-%b" % (TRACE, SPAN),
    GOOD + b"\n" + b",".join(b"k%d=v" % at for at in range(33)),
    GOOD + b"\na=" + b"x" * 256,
    GOOD + b"\na=\x7f",
)
_PARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]").fullmatch
_STATE = re.compile(rb"[ -~]{1,512}").fullmatch


def one(data: bytes) -> None:
    """Read them, and read again what would be passed on."""
    traceparent, _, tracestate = data.partition(b"\n")
    parent = tracing.parse(traceparent, tracestate or None)
    if parent is None:
        return
    headers = dict(parent.headers())
    assert _PARENT(headers[b"traceparent"])
    state = headers.get(b"tracestate")
    assert state is None or _STATE(state)
    assert tracing.parse(headers[b"traceparent"], state) == parent
