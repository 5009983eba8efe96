"""One server that takes part: how it is made ready, started and asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .cells import DOORS, GROUPS, Cell


@dataclass(frozen=True)
class Contestant:
    """One server in one configuration.

    `peer`: the lock that makes its environment ("" the project's own). `prepare` runs before the clock starts.
    Commands and environment are templates: $port, $grpc_port, $admin_port, $python, $bin, $site, $servers, $runtime,
    $folder, $artifact. `headers`: of every request, beside those of its
    body. `constant`: answers without looking, so nothing is compared.
    """

    name: str
    peer: str
    command: tuple[str, ...]
    group: str = "http"
    model: str = "gb"
    prepare: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    doors: Mapping[str, str] = field(default_factory=lambda: DOORS)
    headers: Mapping[str, str] = field(default_factory=dict)
    constant: bool = False

    @property
    def key(self) -> str:
        """Its name among all results: the same server takes part in several groups."""
        return f"{self.group}: {self.name}"

    def cells(self) -> tuple[Cell, ...]:
        """What is asked of it: the cells of its group, through the doors that it has."""
        return tuple(cell for cell in GROUPS[self.group] if cell.door in self.doors or self.group in ("grpc", "image"))

    def path(self, cell: Cell) -> str:
        """Where a cell's requests go."""
        return self.doors.get(cell.door, DOORS["v2"])
