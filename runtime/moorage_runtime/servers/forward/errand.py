"""One request on its way to another revision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from moorage_runtime.servers.http.exchange import Body

if TYPE_CHECKING:
    from moorage_runtime.servers.forward.link import Link


class Errand:
    """Bytes to send, and who hears of the end: exactly one of `answered` and `broke`, unless it is given up before.

    `head` ends with an empty line. `link`: the connection that it is on; `over`: nobody waits for it any more.
    """

    __slots__ = ("body", "head", "link", "over")

    def __init__(self, head: bytes, body: Body) -> None:
        self.head = head
        self.body = body
        self.link: Link | None = None
        self.over = False

    def answered(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> None:
        """The whole answer; header names are in lower case."""
        raise NotImplementedError

    def broke(self, reason: str) -> None:
        """There is none, and this is why, in CamelCase."""
        raise NotImplementedError

    def give_up(self) -> None:
        """Wait no longer; the connection ends with it, so that the other side stops as well."""
        self.over = True
        if self.link is not None:
            self.link.drop()
