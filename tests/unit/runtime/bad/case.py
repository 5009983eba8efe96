"""One request that a server must survive, and the statuses that answer it."""

from __future__ import annotations

from dataclasses import dataclass, field

INFER = "/v2/models/fraud/infer"


@dataclass(frozen=True)
class Case:
    """`statuses`: any of them is right."""

    name: str
    body: bytes | None
    statuses: tuple[int, ...] = (400,)
    path: str = INFER
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
