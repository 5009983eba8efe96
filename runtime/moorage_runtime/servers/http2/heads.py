"""Blocks of headers that came before, with what they say: clients repeat theirs, and reading one costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moorage_runtime.servers.http2.head import Head, Malformed, read
from moorage_runtime.servers.http2.hpack import Decoder, Field

if TYPE_CHECKING:
    from moorage_runtime.servers.http2.app import App
    from moorage_runtime.servers.http2.limits import Limits

REMEMBERED = 1024
REMEMBERED_BLOCKS = 16
_REMEMBERED_BYTES = 4 << 10
_REMEMBERED_BLOCK_BYTES = 512
# What names one request: heads that differ in nothing else are one head.
_PASSING = frozenset({
    b"grpc-timeout", b"x-request-id", b"x-correlation-id", b"traceparent", b"tracestate", b"baggage", b"b3",
    b"x-b3-traceid", b"x-b3-spanid", b"x-b3-parentspanid", b"x-b3-sampled", b"uber-trace-id", b"grpc-trace-bin",
    b"x-amzn-trace-id", b"x-cloud-trace-context", b"x-forwarded-for", b"x-real-ip", b"grpc-previous-rpc-attempts",
    b"content-length",
})  # fmt: skip


class Heads:
    """Heads of all connections of a port, by their fields. What a new epoch of the application may change is
    forgotten.
    """

    __slots__ = ("_app", "_known", "_limits", "epoch")

    def __init__(self, app: App, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._known: dict[tuple[Field, ...], Head] = {}
        self.epoch = -1

    def current(self) -> int:
        """The epoch that remembered heads must be of."""
        epoch = self._app.epoch
        if epoch != self.epoch:
            self.epoch = epoch
            self._known.clear()
        return epoch

    def find(self, fields: list[Field]) -> Head:
        """The head, with its route. Raises `Malformed`."""
        lasting = tuple([field for field in fields if field[0] not in _PASSING])
        head = self._known.get(lasting) or self._learn(lasting)
        if len(lasting) == len(fields):
            return head
        variant = head.variant([field for field in fields if field[0] in _PASSING])
        if variant.size > self._limits.head_bytes >= head.size:
            variant.route = self._app.oversized(variant)
        return variant

    def _learn(self, fields: tuple[Field, ...]) -> Head:
        head = read(fields)
        if head.size > self._limits.head_bytes:
            head.route = self._app.oversized(head)
            return head
        head.route = self._app.route(head)
        if head.size <= _REMEMBERED_BYTES:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[fields] = head
        return head


class Blocks:
    """The blocks of one connection. One that leaves the table as it is says the same again as long as the table does
    not change.
    """

    __slots__ = ("_changes", "_decoder", "_epoch", "_heads", "_known", "_limits")

    def __init__(self, heads: Heads, limits: Limits) -> None:
        self._heads = heads
        self._limits = limits
        self._decoder = Decoder()
        self._known: dict[bytes, Head] = {}
        self._changes = 0
        self._epoch = -1

    def find(self, block: bytes) -> Head | None:
        """The head of a request, None for what is none. Raises `ConnectionFault`."""
        if self._epoch != self._heads.current():
            self._epoch = self._heads.epoch
            self._known.clear()
        return self._known.get(block) or self._learn(block)

    def fields(self, block: bytes) -> list[Field]:
        """The fields of a block that begins no request: it has to be read all the same. Raises `ConnectionFault`."""
        fields = self._decoder.decode(block, self._limits.most_head_bytes)
        if self._decoder.changes != self._changes:
            self._changes = self._decoder.changes
            self._known.clear()
        return fields

    def _learn(self, block: bytes) -> Head | None:
        before = self._changes
        fields = self.fields(block)
        try:
            head = self._heads.find(fields)
        except Malformed:
            return None
        if before == self._changes and len(block) <= _REMEMBERED_BLOCK_BYTES:
            if len(self._known) >= REMEMBERED_BLOCKS:
                self._known.clear()
            self._known[block] = head
        return head
