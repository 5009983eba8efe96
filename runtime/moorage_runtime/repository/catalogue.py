"""The models that this process serves, by name: one in a pod, many under `moorage serve`.

A model is `Known` from the start, and answers while it has a `Served`. A load makes the new version whole and warm
before it takes the old one's place; a load that fails leaves everything as it was. What falls out of the catalogue is
given to `retire`, which lets the calls under way end before it frees the memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.life import Phase
from moorage_runtime.repository.served import Served

LOADING, UNLOADED, EVICTED, WAITING = "loading", "unloaded", "evicted", "waiting"
_ON_DEMAND = (EVICTED, WAITING)


class Row(msgspec.Struct, frozen=True):
    """One line of the repository's index. `state`: READY, LOADING or UNAVAILABLE; `reason`: why it is not ready."""

    name: str
    version: str
    state: str
    reason: str = ""


class Catalogue:
    """Who answers for which name. `changes` grows with every step: what was looked up before is then void; followers
    are told.

    `clock`: the one that `Served.used` is told by.
    """

    def __init__(
        self,
        names: Sequence[str],
        retire: Callable[[Served], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.phase = Phase.LOADING
        self.changes = 0
        self._served: dict[str, Served | None] = dict.fromkeys(names)
        self._reasons: dict[str, str] = dict.fromkeys(names, LOADING)
        self._retire = retire
        self._clock = clock
        self._wanted: Callable[[str], None] = lambda _: None
        self._installed: Callable[[Served], object] = lambda _: None
        self._followers: list[Callable[[], None]] = []

    @property
    def ready(self) -> bool:
        """Whether this process should get traffic: its models answered their test inference, and it is not leaving."""
        return self.phase is Phase.READY

    @property
    def served(self) -> tuple[Served, ...]:
        """What answers now."""
        return tuple(each for each in self._served.values() if each is not None)

    @property
    def bytes(self) -> int:
        """Of the artifacts of all that answer."""
        return sum(each.manifest.bytes for each in self.served)

    def find(self, name: str, version: str | None = None) -> Served:
        """What answers for a model, and for this version of it if one is named. Raises `RequestFault` 404 or 503.

        A model that is evicted, or waits to be loaded, is wanted from here on.
        """
        served = self.look(name, version)
        if served is None:
            if self._reasons[name] in _ON_DEMAND:
                self._wanted(name)
            raise self._not_ready(name)
        return served

    def look(self, name: str, version: str | None = None) -> Served | None:
        """The same for who only wants to know: None for a model that does not answer now. Raises `RequestFault` 404."""
        if name not in self._served:
            raise RequestFault(404, "ModelNotFound", f"this server {self._has()}")
        served = self._served[name]
        if served is not None and version not in (None, served.version):
            raise RequestFault(404, "VersionNotFound", f"this server has only version {served.version!r}")
        return served

    def row(self, name: str) -> Row:
        """The line of one known model."""
        served, reason = self._served[name], self._reasons.get(name, "")
        if served is not None:
            return Row(name, served.version, "READY", reason)
        return Row(name, "", "LOADING" if reason == LOADING else "UNAVAILABLE", reason)

    def knows(self, name: str) -> bool:
        """Whether the name is one of ours."""
        return name in self._served

    def answers(self, name: str) -> bool:
        """Whether the model is loaded."""
        return self._served.get(name) is not None

    def on_wanted(self, wanted: Callable[[str], None]) -> None:
        """`wanted` is called with the name of a model that somebody asks for, and that is evicted or waits to be."""
        self._wanted = wanted

    def on_installed(self, installed: Callable[[Served], object]) -> None:
        """`installed` is called with each version from which on it answers."""
        self._installed = installed

    def follow(self, follower: Callable[[], None]) -> None:
        """Have `follower` called after every change."""
        self._followers.append(follower)

    def install(self, served: Served) -> None:
        """The model is warm: from here on it answers, and whatever answered before is retired.

        Who loads it means to ask it: it is not the next one to make room.
        """
        served.used = self._clock()
        before = self._served.get(served.name)
        self._served[served.name] = served
        self._reasons.pop(served.name, None)
        self._changed()
        self._installed(served)
        if before is not None:
            self._retire(before)

    def remove(self, name: str, reason: str) -> None:
        """The model answers no more; it can be loaded again. Raises `RequestFault` 404 for an unknown name."""
        if name not in self._served:
            raise RequestFault(404, "ModelNotFound", f"this server {self._has()}")
        before, self._served[name], self._reasons[name] = self._served[name], None, reason
        self._changed()
        if before is not None:
            self._retire(before)

    def announce(self, name: str, reason: str) -> None:
        """Say why a model that does not answer does not (`reason`), or make a new name known."""
        self._served.setdefault(name, None)
        self._reasons[name] = reason

    def open(self) -> None:
        """Everything that should be loaded is: traffic may come."""
        if self.phase is Phase.LOADING:
            self.phase = Phase.READY
            self._changed()

    def drain(self) -> None:
        """No new traffic wanted; what comes is still answered."""
        self.phase = Phase.DRAINING
        self._changed()

    def oldest(self, but: str) -> Served | None:
        """The model that was asked, or loaded, longest ago, other than `but`."""
        others = [each for each in self.served if each.name != but]
        return min(others, key=lambda each: each.used, default=None)

    def index(self) -> list[Row]:
        """Every known model, in the order of their names."""
        return [self.row(name) for name in sorted(self._served)]

    def _changed(self) -> None:
        self.changes += 1
        for follower in self._followers:
            follower()

    def _has(self) -> str:
        names = ", ".join(repr(name) for name in sorted(self._served)[:10])
        if len(self._served) > 10:
            names += f" and {len(self._served) - 10} more"
        return f"has only the model{'s' if len(self._served) > 1 else ''} {names}" if names else "has no model"

    def _not_ready(self, name: str) -> RequestFault:
        reason = self._reasons[name]
        if reason == LOADING or reason in _ON_DEMAND:
            return RequestFault(503, "ModelNotReady", "the model is still loading", ((b"retry-after", b"1"),))
        # Only who runs the server brings it back; to try again is in vain.
        return RequestFault(503, "ModelNotReady", f"the model is not loaded: {reason}")
