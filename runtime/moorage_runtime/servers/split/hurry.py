"""How soon the body of a request wants its answer: the `timeout` of the V2 protocol's parameters."""

from __future__ import annotations

import msgspec

from moorage_runtime.servers.http.exchange import Body

_WORD = b'"timeout"'
# Who sends more than this in JSON does not wait for milliseconds.
_MOST = 1 << 20
_MICROSECOND = 1e-6


class _Parameters(msgspec.Struct):
    timeout: object = None


class _Request(msgspec.Struct):
    parameters: _Parameters | None = None


_decode = msgspec.json.Decoder(_Request).decode


def seconds(body: Body, json_length: int | None) -> float:
    """Seconds that the request gives its answer; infinity when it does not say."""
    if len(body) > _MOST:
        return float("inf")
    text = body if isinstance(body, bytes) else bytes(body)
    if _WORD not in text:
        return float("inf")
    try:
        parameters = _decode(text[:json_length]).parameters
    except (msgspec.DecodeError, RecursionError):
        return float("inf")
    timeout = parameters.timeout if parameters else None
    return timeout * _MICROSECOND if type(timeout) is int and timeout > 0 else float("inf")
