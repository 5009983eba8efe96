"""The headers of every answer: which version and revision gave it."""

from __future__ import annotations

from urllib.parse import quote

from moorage_runtime.config import RuntimeConfig

_SAFE = "!#$&'()*+,/:;=?@[]~ -._"


def headers(config: RuntimeConfig) -> list[tuple[bytes, bytes]]:
    """`x-model-version` and `x-model-revision`, percent-encoded where a header needs it."""
    return [
        (b"x-model-version", quote(config.version, safe=_SAFE).encode()),
        (b"x-model-revision", quote(config.revision, safe=_SAFE).encode()),
    ]
