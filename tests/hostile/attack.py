"""One thing that a hostile client does, and how it must end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.hostile.server import Server

DOORS = ("v2 json", "v2 binary", "v1", "features", "grpc", "admin", "documents", "transport")
KINDS = (
    "malformed JSON",
    "depth bombs",
    "memory bombs",
    "sizes",
    "slow clients",
    "compression bombs",
    "tensors",
    "binary lies",
    "closed doors",
    "paths",
    "heads and smuggling",
    "other media",
    "gRPC",
    "cancels",
    "logs and metrics",
)


@dataclass(frozen=True)
class Attack:
    """`act` gives what came of it: a status, a gRPC code, "closed"; `ends`: any of these is right.

    `parallel`: it waits more than it works, so many of its kind go on at once.
    """

    door: str
    kind: str
    name: str
    act: Callable[[Server], str]
    ends: tuple[str, ...]
    parallel: bool = False


def statuses(*numbers: int) -> tuple[str, ...]:
    return tuple(map(str, numbers))
